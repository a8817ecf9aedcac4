// One's own account: how the console looks, password and second factor,
// sessions, API tokens.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { api } from '../api.js';
import { session, person, choose_language, load_session } from '../session.js';
import { attempt, tell } from '../status.js';
import { t, language } from '../words.js';
import { use_look, Look } from '../look.js';
import { Page } from '../parts/page.js';
import { Card } from '../parts/card.js';
import { Table } from '../parts/table.js';
import { SelectField, TextField, Tick, error_of } from '../parts/field.js';
import { Time } from '../parts/time.js';
import { Badge } from '../parts/badge.js';
import { Lazy } from '../parts/lazy.js';
import { Tokens } from '../parts/tokens.js';

const factor = () => import('../parts/new_factor.js');

export default function Account() {
	const { address, role } = person.value;
	return html`<${Page} title=${t('account.title')} lead=${`${address} · ${t(`role.${role}`)}`}>
		<div class="pair"><${Looks} /><${Password} /></div>
		<div class="pair"><${Sessions} /><${Lazy} load=${factor} /></div>
		<${Tokens} /><//>`;
}

// Until one is chosen, times are shown in the browser's.
function shown_zone() {
	return session.value.time_zone || new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function zones() {
	const all = Intl.supportedValuesOf?.('timeZone') ?? [];
	return [...new Set([shown_zone(), 'Asia/Tokyo', 'UTC', ...all])].map((z) => [z, z]);
}

function change(members) {
	return attempt(() => api.patch('/account', members).then(load_session), { said: t('account.saved') });
}

function Looks() {
	const { scheme, shortcuts } = session.value;
	const set = (name) => (value) => change({ [name]: value });
	return html`<${Card} title=${t('account.looks')}><div class="form">
		<${SelectField} label=${t('frame.language')} value=${language.value} onValue=${choose_language}
			options=${[['ja', '日本語'], ['en', 'English']]} />
		<${SelectField} label=${t('account.scheme')} value=${scheme ?? 'auto'} onValue=${set('scheme')}
			options=${['auto', 'light', 'dark'].map((s) => [s, t(`account.scheme_${s}`)])} />
		<${SelectField} label=${t('account.zone')} value=${shown_zone()} onValue=${set('time_zone')} options=${zones()}
			hint=${t('account.zone_hint')} />
		<${Tick} label=${t('account.shortcuts')} checked=${shortcuts !== false} onPick=${set('shortcuts')} /></div><//>`;
}

function Password() {
	const [old, set_old] = useState('');
	const [fresh, set_fresh] = useState('');
	const [problem, set_problem] = useState(null);
	const submit = async (event) => {
		event.preventDefault();
		set_problem(null);
		try {
			await api.patch('/account', { password_old: old, password_new: fresh });
			set_old('');
			set_fresh('');
			tell(t('account.password_changed'));
		} catch (bad) {
			set_problem(bad);
		}
	};
	const own = error_of(problem?.errors, 'password_new');
	return html`<${Card} title=${t('account.password')}><form class="form" onSubmit=${submit}>
		<input class="unseen" autocomplete="username" value=${person.value.address} readonly tabindex="-1" aria-hidden="true" />
		<${TextField} label=${t('account.password_old')} type="password" autocomplete="current-password" required
			value=${old} onValue=${set_old} error=${problem && !own ? { message: problem.detail } : null} />
		<${TextField} label=${t('enrol.password')} type="password" autocomplete="new-password" required minlength="12"
			hint=${t('enrol.password_hint', { n: 12 })} value=${fresh} onValue=${set_fresh} error=${own} />
		<p><button class="button">${t('account.password_change')}</button></p></form><//>`;
}

function Sessions() {
	const look = use_look('sessions', (signal) => api.get('/account/sessions', { signal }));
	const end = () => attempt(() => api.remove('/account/sessions'), { said: t('account.sessions_ended'), then: look.reload });
	const columns = [
		{ key: 'client', title: t('messages.client'), head: true, cell: (s) => html`<code>${s.client ?? '–'}</code>
			${s.current && html` <${Badge} kind="live">${t('account.this_session')}<//>`}` },
		{ key: 'begun_at', title: t('account.begun'), cell: (s) => html`<${Time} at=${s.begun_at} />` },
		{ key: 'seen_at', title: t('account.seen'), cell: (s) => html`<${Time} at=${s.seen_at} />` },
	];
	return html`<${Card} flush title=${t('account.sessions')}>
		<${Look} of=${look} rows=${2}>${({ items }) => html`<${Table} name=${t('account.sessions')} cards columns=${columns}
			rows=${items} />${items.length > 1 && html`<div class="card-foot"><button class="button small" onClick=${end}>
			${t('account.end_others')}</button></div>`}`}<//><//>`;
}
