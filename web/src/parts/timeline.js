// An ordered list of what happened, with a line through its icons.
// steps: [{at, until, icon, tone, title, text, reply, dialogue}]
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
			${s.reply && html`<${Reply} text=${s.reply} />`}
			${s.dialogue && html`<${Dialogue} lines=${s.dialogue} />`}</div></li>`)}</ol>`;
}

// Lines of an SMTP dialogue: [{who: S|C, text, fault}]
export function Dialogue({ lines, name }) {
	return html`<pre class="dialogue" tabindex="0" role="group" aria-label=${name ?? 'SMTP'}>${lines.map((l, i) =>
		html`<span key=${i} class=${l.fault ? 'tone-bad fault' : ''}><b class="dialogue-who">${l.who}</b> ${l.text}${'\n'}</span>`)}</pre>`;
}
