// The menu of the operator's own pages.
export const operator_entries = [
	{ word: 'menu.overview', icon: 'home', path: '/operator' },
];
