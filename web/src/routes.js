// All pages: pattern of the address, and the module that draws it. A module's
// default export is a component that gets the pattern's members. `open`: also
// without a session. Each file is loaded when its page is opened first.
const c = '/c/:customer';

export const routes = [
	{ pattern: '/', load: () => import('./pages/home.js') },
	{ pattern: '/login', load: () => import('./pages/home.js') },
	{ pattern: `${c}/messages`, load: () => import('./pages/messages.js') },
];
