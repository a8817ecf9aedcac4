// The menu of the operator's own pages.
export const operator_entries = [
	{ word: 'menu.overview', icon: 'home', path: '/operator' },
	{ word: 'menu.customers', icon: 'people', path: '/operator/customers', page: 'customers' },
	{ word: 'menu.destinations', icon: 'queue', path: '/operator/destinations', page: 'destinations' },
	{ word: 'menu.sharing', icon: 'link', path: '/operator/sharing', page: 'sharing' },
	{ word: 'menu.operators', icon: 'shield', path: '/operator/operators', page: 'operators' },
	{ word: 'menu.audit', icon: 'book', path: '/operator/audit', page: 'audit' },
];
