// An ordered list of what happened, with a line through its icons.
// steps: [{at, until, icon, tone, title, text, reply}]
import { html } from '../html.js';
import { clock_ms, clock } from '../words.js';
import { Icon } from './icon.js';
import { Reply } from './copy.js';

export function Timeline({ steps }) {
	return html`<ol class="timeline">${steps.map((s, i) => html`<li key=${i}>
		<span class="when">${s.at && html`<time datetime=${s.at}>${s.form === 'clock' ? clock(s.at) : clock_ms(s.at)}</time>`}
			${s.until && html` – <time datetime=${s.until}>${clock_ms(s.until)}</time>`}</span>
		<span class="knot"><${Icon} name=${s.icon} class=${s.tone ? `tone-${s.tone}` : ''} /></span>
		<div class="what"><h3>${s.title}</h3>
			${s.text && html`<p class="hint">${s.text}</p>`}
			${s.reply && html`<${Reply} text=${s.reply} />`}</div></li>`)}</ol>`;
}
