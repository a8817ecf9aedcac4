// What to change at a sending system after a refusal, out of the product's
// guide: lines to take out and to put in, acts, the reload.
import { guides_of_product } from '../../../guides/index.mjs';
import { advice } from '../../../guides/lib/advice.mjs';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { language } from '../words.js';
import { session } from '../session.js';
import { use_look } from '../look.js';
import { domain_of } from '../refusal_words.js';
import { Copy } from './copy.js';
import { Rich } from './rich.js';

function wanted(r, domains) {
	const own = domains.find((d) => d.kind === 'primary')?.name ?? domains[0]?.name ?? domain_of(r.from);
	return { tls: r.tls || r.cause === 'tls' ? 'required' : 'optional', auth: r.cause === 'auth', helo: own && `mail.${own}` };
}

export default function AdviceLines({ customer, r }) {
	const look = use_look(customer, (signal) => api.get(of(customer, 'domains'), { signal }));
	const [guide] = guides_of_product(r.product);
	const seen = { host: session.value?.relay_host, helo: r.helo, address: r.from, user: r.login, encrypted: Boolean(r.tls) };
	const what = guide && look.data.value && advice(guide, r.cause, seen, wanted(r, look.data.value.items), language.value);
	if (!what)
		return null;
	if (what.cannot)
		return html`<p>${what.cannot.text}</p>
			<ul class="plain-list">${what.cannot.instead.map((x) => html`<li key=${x}><${Rich} text=${x} /></li>`)}</ul>`;
	return html`${what.changes.map((c) => html`<${Change} key=${c.head} change=${c} />`)}
		${what.steps.length > 0 && html`<ul class="plain-list">${what.steps.map((x) => html`<li key=${x}><${Rich} text=${x} /></li>`)}</ul>`}
		<p class="hint">${what.reload && html`<${Rich} text=${what.reload.text} />`}
			${what.reload?.code && html` <code>${what.reload.code.text.trim()}</code>`} ${what.closing}</p>`;
}

function Change({ change: c }) {
	return html`<div class="code"><div class="code-head"><span>${c.head}</span><${Copy} text=${c.plus.join('\n')} /></div>
		<pre tabindex="0" role="group" aria-label=${c.head}><code class="diff">${c.minus.map((x) => html`<del key=${x}>- ${x}${'\n'}</del>`)}
			${c.plus.map((x) => html`<ins key=${x}>+ ${x}${'\n'}</ins>`)}</code></pre></div>`;
}
