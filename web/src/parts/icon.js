// Icons of the one sprite (icons.svg), coloured by the text around them. With
// a word beside it an icon is mute; alone it takes a label.
import sprite from '../../icons.svg';
import { html } from '../html.js';

export function Icon({ name, label, class: more = '' }) {
	return html`<svg class=${`icon ${more}`} aria-hidden=${label ? undefined : 'true'}
		role=${label ? 'img' : undefined} aria-label=${label} focusable="false">
		<use href=${`${sprite}#${name}`} /></svg>`;
}
