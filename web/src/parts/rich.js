// A text of the guides: `so` and ``so`` is what is typed.
import { html } from '../html.js';

function typed(piece) {
	const mark = piece.startsWith('``') ? 2 : 1;
	return piece.slice(mark, -mark);
}

export function Rich({ text }) {
	return text.split(/(``.+?``|`[^`]+`)/).filter(Boolean).map((piece) =>
		piece.startsWith('`') ? html`<code>${typed(piece)}</code>` : piece);
}
