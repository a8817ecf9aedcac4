// Connect a server: tiles of products, those seen in the traffic first.
import { useState } from 'preact/hooks';
import { guides, guides_of_product } from '../../../guides/index.mjs';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, place } from '../router.js';
import { t, language } from '../words.js';
import { use_look } from '../look.js';
import { session } from '../session.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { TextField } from '../parts/field.js';
import { Icon } from '../parts/icon.js';
import { LiveCheck } from '../parts/live_check.js';

const groups = ['server', 'device', 'program'];
const icons = { server: 'server', device: 'box', program: 'sliders' };

export function title_of(guide) {
	return typeof guide.title === 'string' ? guide.title : guide.title[language.value];
}

export default function Connect({ customer }) {
	const [search, set_search] = useState('');
	const look = use_look(customer, (signal) => api.get(of(customer, 'refusals'), { query: { limit: 100 }, signal }));
	const client = place.value.query.get('watch');
	const products = new Set((look.data.value?.items ?? []).map((r) => r.product).filter(Boolean));
	const recognised = [...products].flatMap(guides_of_product);
	const found = (g) => `${g.id} ${title_of(g)}`.toLowerCase().includes(search.trim().toLowerCase());
	const left = guides.filter((g) => found(g) && !recognised.includes(g));
	const seen = recognised.filter(found);
	return html`<${Page} title=${t('connect.title')} lead=${t('connect.lead')} aside_first
		aside=${client && html`<${LiveCheck} customer=${customer} query=${{ client }} who=${client} checks=${t('connect.checks').split('\n')}
			want=${{ relay: session.value?.relay_host }} />`}>
		<${TextField} type="search" label=${t('connect.search')} value=${search} onValue=${set_search} />
		${seen.length > 0 && html`<${Tiles} customer=${customer} title=${t('connect.seen')} guides=${seen} />`}
		${groups.map((group) => html`<${Tiles} key=${group} customer=${customer} title=${t(`connect.group.${group}`)}
			guides=${left.filter((g) => g.group === group)} />`)}
		${seen.length + left.length === 0 && html`<${Card}><p class="empty">${t('connect.none')}</p><//>`}<//>`;
}

function Tiles({ customer, title, guides: shown }) {
	if (shown.length === 0)
		return null;
	const query = place.value.query.toString();
	return html`<${Card} title=${title}><ul class="tiles">${shown.map((g) => html`<li key=${g.id}>
		<a class="tile" href=${at(customer, 'connect', g.id) + (query ? `?${query}` : '')}><${Icon} name=${icons[g.group]} />
			<span>${title_of(g)}</span></a></li>`)}</ul><//>`;
}
