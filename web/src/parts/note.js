// A box that says one thing and offers what to do: note, warn, refused, held.
import { html } from '../html.js';
import { Icon } from './icon.js';
import { kinds } from './badge.js';

export function Note({ kind = 'note', title, actions, alert, children }) {
	const { icon, tone } = kinds[kind] ?? kinds.note;
	return html`<div class=${`note edge-${tone}`} role=${alert ? 'alert' : undefined}>
		<${Icon} name=${icon} class=${`tone-${tone}`} />
		<div class="note-body">
			<p>${title && html`<strong class=${`tone-${tone}`}>${title}</strong> `}${children}</p>
			${actions && html`<div class="actions">${actions}</div>`}
		</div></div>`;
}
