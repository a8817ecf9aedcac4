// Somebody saved meanwhile: yours, theirs and before side by side; choose by
// field, then Save.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { t, moment } from '../words.js';
import { Card } from '../parts/card.js';
import { plain } from './draft.js';
import { value_of, shown_range } from './facts.js';

function shown(member, setting) {
	if (member !== 'ip_entries')
		return value_of(member, setting[member]);
	return setting.ip_entries.map((e) => `${shown_range(e.range)} ${e.description}`).join(', ') || '–';
}

export function Conflict({ draft }) {
	const theirs = plain(draft.conflict.value);
	const mine = draft.value.value;
	const before = plain(draft.live.value);
	const members = Object.keys(mine).filter((m) => JSON.stringify(mine[m]) !== JSON.stringify(theirs[m]));
	const [chosen, set_chosen] = useState({});
	const pick = (member, whose) => set_chosen({ ...chosen, [member]: whose });
	return html`<${Card} flush title=${t('conflict.title', { time: moment(draft.conflict.value.changed_at), name: draft.conflict.value.changed_by })} edge="warn">
		<div class="table-box" role="group" tabindex="0" aria-label=${t('conflict.table')}><table><thead><tr><th scope="col">${t('conflict.field')}</th>
			<th scope="col">${t('conflict.mine')}</th><th scope="col">${t('conflict.theirs')}</th><th scope="col">${t('conflict.before')}</th></tr></thead>
		<tbody>${members.map((m) => html`<tr key=${m}><th scope="row">${t(`setting.member.${m}`)}</th>
			${['mine', 'theirs'].map((whose) => html`<td key=${whose}><label class="plain-label"><input type="radio" name=${`conflict-${m}`}
				checked=${(chosen[m] ?? 'mine') === whose} onChange=${() => pick(m, whose)} />
				${' '}${shown(m, whose === 'mine' ? mine : theirs)}</label></td>`)}
			<td>${shown(m, before)}</td></tr>`)}</tbody></table></div>
		<div class="card-foot"><button class="button primary" onClick=${() => draft.settle(chosen)}>${t('conflict.take')}</button></div><//>`;
}
