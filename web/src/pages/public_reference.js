// /r/REFERENCE: why a message was refused, for whoever got the reference: no
// sign-in, no menu, nothing of the customer. Unknown, expired and too many
// look-ups look alike.
import { useEffect } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { t, full_day, clock_seconds, zone_name } from '../words.js';
import { use_look } from '../look.js';
import { Language } from '../frame.js';
import { Card } from '../parts/card.js';
import { Copy, Reply } from '../parts/copy.js';
import { FactsTable } from '../parts/facts_table.js';
import { Note } from '../parts/note.js';
import { cause_words } from '../refusal_words.js';
import { facts_seen } from '../facts_seen.js';
import { grouped_reference, plain_reference } from '../references.js';
import { kept_days } from '../parts/not_found.js';

export default function PublicReference({ reference }) {
	const plain = plain_reference(reference);
	const look = use_look(plain, (signal) => api.get(`/references/${encodeURIComponent(plain)}`, { signal, quiet: true }));
	const found = look.data.value;
	useEffect(() => { document.title = `${t('public.title')} · ${location.hostname}`; });
	return html`<header class="bare-top"><span>${location.hostname}</span><${Language} /></header>
		<main class="bare wide" id="main"><h1>${t('public.title')}</h1>
		<div class="stack">${look.problem.value ? html`<${Note} kind="off">${t('public.unknown', { n: kept_days })}<//>`
		: found && html`<${Found} r=${{ ...found, client: found.address }} />`}</div></main>`;
}

function Found({ r }) {
	const login = `/login?to=${encodeURIComponent(r.reference)}`;
	return html`<p class="lead">${t('refusal.reference')} <code>${grouped_reference(r.reference)}</code><br />
		${full_day(r.at)} ${clock_seconds(r.at)} (${zone_name(r.at)})</p>
		<${Card} edge="bad"><h2>${cause_words(r)}</h2><p>${t('public.why')}</p><${Reply} text=${r.reply} class="wide" /><//>
		<${Card} title=${t('public.what_to_do')}><ul class="plain-list">
			<li><strong>${t('public.runs')}</strong> ${t('public.runs_text')}</li>
			<li><strong>${t('public.sent')}</strong> ${t('public.sent_text')}</li></ul>
			<div class="actions"><a class="button primary" href=${login}>${t('public.sign_in')}</a>
			<${Copy} text=${`${location.origin}/r/${r.reference}`} label=${t('refusal.copy_link')} /></div><//>
		<${Card} flush title=${t('public.saw')}><${FactsTable} name=${t('public.saw')} rows=${facts_seen(r)} /><//>
		<p class="hint">${t('public.nothing_private', { n: kept_days })}</p>`;
}
