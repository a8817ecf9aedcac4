// The menu of one customer: groups of entries. `page` is the part of the
// address after the customer's name; `needs` a right (session.js) without
// which the entry is absent.
export const groups = [
	{ entries: [
		{ word: 'menu.overview', icon: 'home', page: '' },
		{ word: 'menu.messages', icon: 'mail', page: 'messages', also: ['sessions'] },
		{ word: 'menu.queue', icon: 'queue', page: 'queue' },
		{ word: 'menu.alerts', icon: 'bell', page: 'alerts', count: 'alerts' },
	] },
	{ word: 'menu.relay', entries: [
		{ word: 'menu.settings', icon: 'sliders', page: 'settings' },
		{ word: 'menu.explain', icon: 'question', page: 'explain', needs: 'explain' },
		{ word: 'menu.connect', icon: 'plug', page: 'connect', needs: 'connect' },
		{ word: 'menu.limits', icon: 'gauge', page: 'limits' },
	] },
	{ word: 'menu.organisation', entries: [
		{ word: 'menu.users', icon: 'user', page: 'users' },
		{ word: 'menu.domains', icon: 'globe', page: 'domains' },
		{ word: 'menu.audit', icon: 'book', page: 'audit' },
	] },
];
