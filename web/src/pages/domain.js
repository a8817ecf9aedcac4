// One domain: the TXT record that proves it, what it covers, the DNS checklist.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go } from '../router.js';
import { is_operator, may } from '../session.js';
import { tell, tell_problem } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Code } from '../parts/copy.js';
import { Dialog } from '../parts/dialog.js';
import { Mark } from '../parts/badge.js';
import { domain_state } from './domains.js';

export default function Domain({ customer, name }) {
	const path = of(customer, 'domains', name);
	const look = use_look(path, (signal) => api.get(path, { signal }));
	const [removing, set_removing] = useState(false);
	const domain = look.data.value;
	const attempt = async (what, said) => {
		try {
			await what();
			tell(said);
			look.reload();
		} catch (problem) {
			tell_problem(problem);
		}
	};
	const remove = () => attempt(async () => { set_removing(false); await api.remove(path); go(at(customer, 'domains')); },
		t('domains.removed', { name }));
	const acts = domain && html`
		${is_operator.value && domain.verified === 'pending' && html`<button class="button primary"
			onClick=${() => attempt(() => api.patch(path, { verified: 'operator' }), t('domains.confirmed'))}>${t('domains.confirm')}</button>`}
		${may('domains') && html`<button class="button danger" onClick=${() => set_removing(true)}>${t('domains.remove')}…</button>`}`;
	return html`<${Page} title=${name} up=${{ href: at(customer, 'domains'), title: t('domains.title') }} actions=${acts}
		badges=${domain && domain_state(domain)}>
		<${Look} of=${look} rows=${4}>${() => html`
			${domain.proof && html`<${Proof} proof=${domain.proof} />`}
			<${Card} title=${t('domains.about')}><${Facts} rows=${[
				[t('domains.kind'), t(`domains.kind_${domain.kind}`)],
				domain.of && [t('domains.alias_of'), domain.of],
				[t('domains.covers'), t('domains.covers_subdomains')],
			]} /><//>
			${domain.checks?.length > 0 && html`<${Checks} checks=${domain.checks} />`}`}<//>
		${removing && html`<${Dialog} title=${t('domains.remove_ask', { name })} onClose=${() => set_removing(false)}
			actions=${html`<button class="button danger" onClick=${remove}>${t('domains.remove')}</button>
			<button class="button" onClick=${() => set_removing(false)}>${t('act.cancel')}</button>`}>
			<p>${t('domains.remove_means')}</p><//>`}<//>`;
}

function Proof({ proof }) {
	return html`<${Card} title=${t('domains.proof')} lead=${t('domains.proof_lead')}>
		<${Code} name=${t('domains.proof_name')} text=${proof.name} /><${Code} name=${t('domains.proof_value')} text=${proof.value} /><//>`;
}

function Checks({ checks }) {
	return html`<${Card} title=${t('domains.checks')}><ul class="checks">${checks.map((c) => html`<li key=${c.what}>
		<${Mark} kind=${c.ok ? 'ok' : 'warn'}>${t(`domains.check_${c.what}`)}<//>
		<p class="hint">${t(c.ok ? 'domains.check_ok' : 'domains.check_bad')}</p>
		${c.ok ? c.found && html`<code>${c.found}</code>` : c.record && html`<${Code} name=${c.name ?? 'TXT'} text=${c.record} />`}</li>`)}</ul><//>`;
}
