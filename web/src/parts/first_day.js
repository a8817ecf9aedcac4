// Before the first message: what to do, in three steps, with one button.
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at } from '../router.js';
import { t } from '../words.js';
import { use_look } from '../look.js';
import { Card } from './card.js';
import { Icon } from './icon.js';

export function FirstDay({ customer }) {
	const look = use_look(customer, (signal) => api.get(of(customer, 'settings'), { signal }));
	const has_setting = look.data.value?.items.some((s) => s.enabled) ?? false;
	const next = has_setting ? [at(customer, 'connect'), t('first.connect_act')]
		: [at(customer, 'settings', 'new'), t('first.setting_act')];
	return html`<${Card} title=${t('first.title')}>
		<ol class="first-steps">
			<li><${Icon} name=${has_setting ? 'ok' : 'dotted'} class=${has_setting ? 'tone-ok' : 'tone-off'} />
				${t('first.setting')} <span class="hint">${t(has_setting ? 'first.done' : 'first.to_do')}</span></li>
			<li><${Icon} name="dotted" class="tone-off" /> ${t('first.connect')}</li>
			<li><${Icon} name="dotted" class="tone-off" /> ${t('first.test')}</li></ol>
		<p><a class="button primary" href=${next[0]}>${next[1]}</a></p><//>`;
}
