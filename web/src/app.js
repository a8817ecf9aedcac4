// Which page is shown and in which frame: pages with a session stand in the
// frame with the menu; sign-in and the public page stand alone.
import { useEffect, useState } from 'preact/hooks';
import { html } from './html.js';
import { place, match } from './router.js';
import { routes } from './routes.js';
import { session } from './session.js';
import { language } from './words.js';
import { Frame } from './frame.js';
import { NotFoundPage } from './pages/not_found.js';
import { Boundary } from './parts/boundary.js';
import { SignIn } from './pages/sign_in.js';

function find(path) {
	for (const route of routes) {
		const params = match(route.pattern, path);
		if (params)
			return { route, params };
	}
	return null;
}

// Modules that were loaded, so that a page seen before is there at once.
const loaded = new Map();

function use_page(route) {
	const [, set_count] = useState(0);
	const [failed, set_failed] = useState(false);
	useEffect(() => {
		set_failed(false);
		if (!route || loaded.has(route.load))
			return;
		route.load().then((module) => loaded.set(route.load, module.default),
			() => set_failed(true)).then(() => set_count((n) => n + 1));
	}, [route]);
	return { page: route && loaded.get(route.load), failed };
}

export function App() {
	language.value;                 // all is drawn anew in another language
	const { path } = place.value;
	const found = find(path);
	const open = found?.route.open;
	const inside = session.value?.state === 'in';
	const { page: Shown, failed } = use_page(inside || open ? found?.route : null);
	if (open)
		return Shown ? html`<${Shown} ...${found.params} />` : null;
	if (!inside)
		return html`<${SignIn} />`;
	return html`<${Frame} customer=${found?.params.customer}>
		${!found || failed ? html`<${NotFoundPage} failed=${failed} />`
		: Shown && html`<${Boundary} key=${path}><${Shown} ...${found.params} /><//>`}<//>`;
}
