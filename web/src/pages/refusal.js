// One refused session: why in one sentence, how to fix it here and there, what
// was seen; the public link for whoever runs the server.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t, tx, full_day, clock_seconds, num, t_or, language } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Icon } from '../parts/icon.js';
import { Copy, Reply } from '../parts/copy.js';
import { FactsTable } from '../parts/facts_table.js';
import { Lazy } from '../parts/lazy.js';
import { Time } from '../parts/time.js';
import { cause_words } from '../refusal_words.js';
import { fix_here, fix_there } from '../refusal_fixes.js';
import { facts_seen } from '../facts_seen.js';
import { grouped_reference, plain_reference } from '../references.js';
import { explain_address } from '../message_steps.js';

export default function Refusal({ customer, reference }) {
	const plain = plain_reference(reference);
	const look = use_look(`${customer} ${plain}`, (signal) =>
		api.get(of(customer, 'refusals', plain), { signal }));
	const r = look.data.value;
	const up = { href: at(customer, 'messages'), title: t('messages.title') };
	return html`<${Page} title=${t('refusal.title')} up=${up}
		actions=${r && html`<a class="button" href=${explain_address(customer, r)}>${t('refusal.explain')}</a>`}
		aside=${r && html`<${About} customer=${customer} r=${r} /><${Public} r=${r} /><${Stranger} r=${r} />`}>
		<${Look} of=${look} rows=${8}>${() => html`<${Body} customer=${customer} r=${r} />`}<//><//>`;
}

function Body({ customer, r }) {
	return html`<${Verdict} r=${r} /><${HowToFix} customer=${customer} r=${r} />
		<${Card} flush title=${t('seen.title')}><${FactsTable} name=${t('seen.title')} rows=${facts_seen(r)} /><//>`;
}

function Verdict({ r }) {
	return html`<${Card} edge="bad"><div class="verdict"><${Icon} name="octagon" class="tone-bad" />
		<div class="stack"><h2>${cause_words(r)}</h2>
		${r.why?.[language.value] && html`<p>${r.why[language.value]}</p>`}
		${r.count > 1 && html`<p>${tx('refusal.count', { n: html`<strong>${num(r.count)}</strong>`,
			last: html`<${Time} at=${r.at} />` })}</p>`}
		<${Reply} text=${r.reply} class="wide" /></div></div><//>`;
}

const load_advice = () => import('../parts/advice_lines.js');

function HowToFix({ customer, r }) {
	const here = fix_here(customer, r);
	const there = fix_there(r);
	const product = r.product && t_or(`product.${r.product}`, r.product);
	const guide = r.product ? at(customer, 'connect', r.product) : at(customer, 'connect');
	return html`<${Card} title=${t('fix.title')}><ol class="numbered">
		${here && html`<li><div><h3>${here.title}</h3><p class="hint">${here.text}</p>
			${here.allowed ? html`<p class="actions"><a class="button primary" href=${here.href}>${here.act}</a>
				${r.cause === 'address' && html`<a href=${at(customer, 'settings')}>${t('fix.other_setting')}</a>`}</p>`
			: html`<p class="hint">${t('fix.ask_super_admin')}</p>`}</div></li>`}
		${there && html`<li><div><h3>${there}</h3>
			<p class="hint">${product ? t('fix.product', { product }) : t('fix.no_product')}</p>
			${r.product && html`<${Lazy} load=${load_advice} customer=${customer} r=${r} />`}
			<p class="actions"><a class="button" href=${guide}>${t('fix.guide')}</a>
				<a href=${at(customer, 'connect')}>${t('fix.other_product')}</a></p></div></li>`}
		${r.fixes?.length > 0 && html`<li><div><h3>${t('fix.relay_says')}</h3><ul class="plain-list">
			${r.fixes.map((f) => html`<li key=${f.code}>${f[language.value]}</li>`)}</ul></div></li>`}
		<li><div><h3>${t('fix.again')}</h3><p class="hint">${t('fix.again_text')}</p>
			<p class="actions"><a class="button" href=${`${at(customer, 'connect')}?watch=${encodeURIComponent(r.client)}`}>
			${t('fix.watch', { ip: r.client })}</a></p></div></li></ol><//>`;
}

function About({ customer, r }) {
	const product = r.product && t_or(`product.${r.product}`, r.product);
	return html`<${Card} title=${t('refusal.session')}><${Facts} rows=${[
		[t('refusal.reference'), html`<code>${grouped_reference(r.reference)}</code>`],
		[t('refusal.at'), `${full_day(r.at)} ${clock_seconds(r.at)}`],
		r.listener && [t('refusal.listener'), r.listener],
		[t('refusal.product'), product ?? t('refusal.product_unknown')],
		r.setting && [t('refusal.closest'), html`<a href=${at(customer, 'settings', r.setting.id)}>${r.setting.description}</a>`],
	]} /><//>`;
}

function Public({ r }) {
	return html`<${Card} title=${t('refusal.public')}><p class="hint">${t('refusal.public_text')}</p>
		<p><${Copy} text=${`${location.origin}/r/${r.reference}`} label=${t('refusal.copy_link')} /></p><//>`;
}

function Stranger() {
	return html`<${Card} title=${t('refusal.not_yours')}><p class="hint">${t('refusal.not_yours_text')}</p><//>`;
}
