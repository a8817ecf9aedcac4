// One domain, out of the list of them: its kind, what it covers; removing.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of, Problem } from '../api.js';
import { at, go } from '../router.js';
import { is_operator, may } from '../session.js';
import { attempt } from '../status.js';
import { t } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Confirm } from '../parts/confirm.js';
import { domain_state } from './domains.js';

async function one_of(customer, name, signal) {
	const { items } = await api.get(of(customer, 'domains'), { signal });
	const found = items.find((d) => d.name === name.toLowerCase());
	if (!found)
		throw new Problem(404, {});
	return found;
}

export default function Domain({ customer, name }) {
	const path = of(customer, 'domains', name);
	const look = use_look(path, (signal) => one_of(customer, name, signal));
	const [removing, set_removing] = useState(false);
	const domain = look.data.value;
	const remove = () => {
		set_removing(false);
		attempt(() => api.remove(path), { said: t('domains.removed', { name }), then: () => go(at(customer, 'domains')) });
	};
	const confirm = () => attempt(() => api.patch(path, { verified: 'operator' }),
		{ said: t('domains.confirmed'), then: look.reload });
	const acts = domain && html`
		${is_operator.value && domain.verified === 'pending' && html`<button class="button primary"
			onClick=${confirm}>${t('domains.confirm')}</button>`}
		${may('domains') && html`<button class="button danger" onClick=${() => set_removing(true)}>${t('domains.remove')}…</button>`}`;
	return html`<${Page} title=${name} up=${{ href: at(customer, 'domains'), title: t('domains.title') }} actions=${acts}
		badges=${domain && domain_state(domain)}>
		<${Look} of=${look} rows=${4}>${() => html`
			<${Card} title=${t('domains.about')}><${Facts} rows=${[
				[t('domains.kind'), t(`domains.kind_${domain.kind}`)],
				domain.of && [t('domains.alias_of'), domain.of],
				[t('domains.covers'), t('domains.covers_subdomains')],
			]} /><//>`}<//>
		${removing && html`<${Confirm} title=${t('domains.remove_ask', { name })} act=${t('domains.remove')} run=${remove}
			close=${() => set_removing(false)}>${t('domains.remove_means')}<//>`}<//>`;
}
