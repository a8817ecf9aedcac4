// A component of a file that is loaded when it is first shown.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';

const loaded = new Map();

export function Lazy({ load, ...props }) {
	const [, set_count] = useState(0);
	useEffect(() => {
		if (!loaded.has(load))
			load().then((module) => { loaded.set(load, module.default); set_count((n) => n + 1); });
	}, [load]);
	const Shown = loaded.get(load);
	return Shown ? html`<${Shown} ...${props} />` : null;
}
