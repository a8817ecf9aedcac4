// All pages: pattern of the address, and the module that draws it. A module's
// default export is a component that gets the pattern's members. `open`: also
// without a session. Each file is loaded when its page is opened first.
const c = '/c/:customer';

export const routes = [
	{ pattern: '/', load: () => import('./pages/home.js') },
	{ pattern: '/login', load: () => import('./pages/home.js') },
	{ pattern: '/account', load: () => import('./pages/account.js') },
	{ pattern: '/r/:reference', load: () => import('./pages/public_reference.js'), open: true },
	{ pattern: '/operator', load: () => import('./operator/overview.js') },
	{ pattern: '/operator/customers', load: () => import('./operator/customers.js') },
	{ pattern: '/operator/customers/:name', load: () => import('./operator/customer.js') },
	{ pattern: '/operator/destinations', load: () => import('./operator/destinations.js') },
	{ pattern: '/operator/sharing', load: () => import('./operator/sharing.js') },
	{ pattern: '/operator/operators', load: () => import('./operator/operators.js') },
	{ pattern: '/operator/audit', load: () => import('./pages/audit.js') },
	{ pattern: c, load: () => import('./pages/overview.js') },
	{ pattern: `${c}/messages`, load: () => import('./pages/messages.js') },
	{ pattern: `${c}/messages/:id`, load: () => import('./pages/message.js') },
	{ pattern: `${c}/sessions/:reference`, load: () => import('./pages/refusal.js') },
	{ pattern: `${c}/queue`, load: () => import('./pages/queue.js') },
	{ pattern: `${c}/queue/list`, load: () => import('./pages/queue_list.js') },
	{ pattern: `${c}/limits`, load: () => import('./pages/limits.js') },
	{ pattern: `${c}/users`, load: () => import('./pages/users.js') },
	{ pattern: `${c}/users/:address`, load: () => import('./pages/user.js') },
	{ pattern: `${c}/domains`, load: () => import('./pages/domains.js') },
	{ pattern: `${c}/domains/:name`, load: () => import('./pages/domain.js') },
	{ pattern: `${c}/audit`, load: () => import('./pages/audit.js') },
	{ pattern: `${c}/alerts`, load: () => import('./pages/alerts.js') },
	{ pattern: `${c}/alerts/:id`, load: () => import('./pages/alerts.js') },
	{ pattern: `${c}/settings`, load: () => import('./pages/settings.js') },
	{ pattern: `${c}/settings/new`, load: () => import('./pages/setting_new.js') },
	{ pattern: `${c}/settings/:id`, load: () => import('./pages/setting_editor.js') },
	{ pattern: `${c}/settings/:id/history`, load: () => import('./pages/setting_history.js') },
	{ pattern: `${c}/connect`, load: () => import('./pages/connect.js') },
	{ pattern: `${c}/connect/:product`, load: () => import('./pages/connect_guide.js') },
	{ pattern: `${c}/explain`, load: () => import('./pages/explain.js') },
];
