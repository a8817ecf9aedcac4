// The one search field: says what the text looks like; exactly one thing of that
// name opens at once, else the list of mail with the filter set; a text of no
// known kind finds nothing.
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, go } from '../router.js';
import { recognise } from '../recognise.js';
import { session } from '../session.js';
import { t } from '../words.js';
import { Icon } from './icon.js';
import { kept_days } from './not_found.js';

// Where one hit of GET find leads; null: to mail.
function hit_address(customer, { kind, id }) {
	if (!customer && kind !== 'customer')
		return null;                    // the operator has no list of all customers' mail
	switch (kind) {
	case 'message': return at(customer, 'messages', id);
	case 'refusal': return at(customer, 'sessions', id);
	case 'user': return at(customer, 'users', id);
	case 'domain': return at(customer, 'domains', id);
	case 'customer': return at(id);
	default: return null;
	}
}

function list_address(customer, text) {
	return `${at(customer, 'messages')}?text=${encodeURIComponent(text)}`;
}

export function Search({ customer, open }) {
	const [text, set_text] = useState('');
	const [said, set_said] = useState(null);
	const input = useRef();
	const kind = recognise(text);
	useEffect(() => { if (open) input.current.focus(); }, [open]);
	const find = async (event) => {
		event.preventDefault();
		if (!kind)
			return;
		set_said(await look(customer, text.trim()));
	};
	const type = (e) => { set_text(e.currentTarget.value); set_said(null); };
	return html`<form class=${`search ${open ? 'open' : ''}`} role="search" onSubmit=${find}
		onKeyDown=${(e) => { if (e.key === 'Escape') set_said(null); }}>
		<${Icon} name="search" />
		<input id="search" ref=${input} type="search" autocomplete="off" spellcheck="false" value=${text}
			aria-label=${t('frame.search')} placeholder=${t('frame.search_hint')}
			aria-describedby="search-said" onInput=${type} />
		${session.value?.shortcuts !== false && !text && html`<kbd aria-hidden="true">/</kbd>`}
		<div id="search-said" class=${kind || said ? 'search-said' : ''} role="status">
			${said ?? (kind && t(`search.kind_${kind}`))}</div>
	</form>`;
}

// Opens what was found, or returns what to say.
async function look(customer, q) {
	try {
		const path = customer ? of(customer, 'find') : '/operator/find';
		const { kind, text, hits } = await api.get(path, { query: { q } });
		const opens = hits.length === 1 ? hit_address(customer, hits[0]) : null;
		if (!opens && (kind === 'none' || !customer))
			return t('search.nothing', { q, n: kept_days });
		go(opens ?? list_address(customer, text));
	} catch (problem) {
		return problem.detail;
	}
	return null;
}
