// The last hours judged by a draft: what would come out differently.
import { html } from '../html.js';
import { t, t_or, num } from '../words.js';
import { Mark } from '../parts/badge.js';

const kind = { accept: 'ok', refuse: 'refused' };

function Verdict({ name }) {
	return html`<${Mark} kind=${kind[name] ?? 'note'}>${t(name === 'accept' ? 'replay.accepted' : 'replay.refused')}<//>`;
}

export function Replay({ result }) {
	if (!result.changed.length)
		return html`<p>${t('replay.nothing', { n: result.judged })}</p>`;
	const differ = result.changed.reduce((n, c) => n + c.count, 0);
	return html`<p class="hint">${t('replay.counts', { n: result.judged, same: num(result.judged - differ), differ: num(differ) })}
		${result.incomplete && ` ${t('replay.incomplete')}`}</p>
		<div class="table-box" role="group" tabindex="0" aria-label=${t('replay.title')}><table><thead><tr><th scope="col">${t('replay.difference')}</th>
		<th scope="col" class="num">${t('replay.sessions')}</th><th scope="col">${t('replay.from')}</th><th scope="col">${t('replay.why')}</th></tr></thead>
		<tbody>${result.changed.map((c) => html`<tr key=${`${c.client} ${c.was} ${c.why}`}>
			<td><${Verdict} name=${c.was} /> → <${Verdict} name=${c.would} /></td>
			<td class="num">${num(c.count)}</td><td class="mono">${c.client}</td>
			<td>${t_or(`replay.why.${c.why}`, c.why)}</td></tr>`)}</tbody></table></div>`;
}
