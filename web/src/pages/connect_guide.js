// One product's guide: a strip of inputs that the steps follow, the steps with
// their code, and beside them the live check.
import { useState } from 'preact/hooks';
import { guide_of, guides_of_product } from '../../../guides/index.mjs';
import { render, ports } from '../../../guides/lib/render.mjs';
import { advice } from '../../../guides/lib/advice.mjs';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { at, place, set_query } from '../router.js';
import { t, language } from '../words.js';
import { use_look, Look } from '../look.js';
import { may, person, session } from '../session.js';
import { authentication, encryption } from '../settings/facts.js';
import { attempt } from '../status.js';
import { Page } from '../parts/page.js';
import { Card, Facts } from '../parts/card.js';
import { Code } from '../parts/copy.js';
import { Note } from '../parts/note.js';
import { NotFound } from '../parts/not_found.js';
import { Icon } from '../parts/icon.js';
import { SelectField, TextField, Segments } from '../parts/field.js';
import { Rich } from '../parts/rich.js';
import { LiveCheck } from '../parts/live_check.js';
import { new_id } from '../settings/draft.js';
import { title_of } from './connect.js';

export default function ConnectGuide({ customer, product }) {
	const guide = guide_of(product) ?? guides_of_product(product)[0];
	const look = use_look(customer, (signal) => Promise.all([api.get(of(customer, 'settings'), { signal }),
		api.get(of(customer, 'domains'), { signal })]));
	if (!guide)
		return html`<${Page} title=${t('connect.title')}><${NotFound} /><//>`;
	const data = look.data.value;
	if (!data)
		return html`<${Page} title=${title_of(guide)} up=${up(customer)}><${Look} of=${look} rows=${8} /><//>`;
	return html`<${Guide} key=${guide.id} customer=${customer} guide=${guide} settings=${data[0].items} domains=${data[1].items} />`;
}

function up(customer) {
	return { href: at(customer, 'connect'), title: t('connect.title') };
}

// What the reader has chosen; setting and port stand in the address.
function use_inputs(guide, settings, domains) {
	const query = place.value.query;
	const domain = domains.find((d) => d.kind === 'primary')?.name ?? domains[0]?.name ?? '';
	const [helo, set_helo] = useState(domain ? `mail.${domain}` : '');
	const [login, set_login] = useState(person.value?.address ?? '');
	const [password, set_password] = useState('');
	const setting = settings.find((s) => s.id === query.get('setting')) ?? settings.find((s) => s.enabled) ?? settings[0];
	const choices = { tls: setting?.require_tls ? 'required' : 'optional', auth: Boolean(setting?.require_auth),
		foreign: setting?.allowed_senders === 'any', port: Number(query.get('port')) || undefined };
	const address = login.endsWith(`@${domain}`) ? login : domain && `postmaster@${domain}`;
	const values = { host: session.value?.relay_host, helo: clean(helo), domain, address, user: clean(login), password };
	return { setting, choices, values, helo, set_helo, login, set_login, set_password,
		ports: ports(guide, choices), client: query.get('watch') };
}

function clean(text) {
	return text.trim().replace(/[^\x21-\x7e\u0080-\uffff]/g, '');
}

function Guide({ customer, guide, settings, domains }) {
	const inputs = use_inputs(guide, settings, domains);
	const page = render(guide, inputs.choices, inputs.values, language.value);
	return html`<${Page} title=${page.title} up=${up(customer)} actions=${html`<a class="button" href=${at(customer, 'connect')}>${t('connect.another')}</a>`}
		aside=${html`<${Check} customer=${customer} guide=${guide} page=${page} inputs=${inputs} />
			<${Credentials} page=${page} inputs=${inputs} />`}>
		<${Way} />
		<${Strip} customer=${customer} settings=${settings} page=${page} inputs=${inputs} />
		${settings.length === 0 && html`<${Note} kind="warn" actions=${html`<a class="button" href=${at(customer, 'settings')}>${t('settings.add')}</a>`}>
			${t('settings.none')}<//>`}
		${page.cannot ? html`<${Cannot} customer=${customer} cannot=${page.cannot} />` : html`<${Steps} page=${page} />`}<//>`;
}

// Choose, set up, check: where the reader is.
function Way() {
	return html`<ol class="way"><li class="done"><${Icon} name="ok" class="tone-ok" /> ${t('connect.way.choose')}</li>
		<li class="done"><${Icon} name="ok" class="tone-ok" /> ${t('connect.way.set_up')}</li>
		<li aria-current="step">${t('connect.way.check')}</li></ol>`;
}

function Strip({ customer, settings, page, inputs }) {
	const options = settings.map((s) => [s.id, t('connect.setting_option', { name: s.description, auth: authentication(s), tls: encryption(s) })]);
	return html`<${Card} class="strip"><div class="strip-fields">
		${options.length > 0 && html`<${SelectField} label=${t('connect.setting')} value=${inputs.setting?.id} options=${options}
			onValue=${(id) => set_query({ setting: id, port: null }, { step: false })} />`}
		<${TextField} label=${t('connect.helo')} mono value=${inputs.helo} onValue=${inputs.set_helo} />
		<div class="field"><span class="label">${t('connect.port')}</span>
			<${Segments} label=${t('connect.port')} value=${page.port} options=${page.ports.map((p) => [p, String(p)])}
				onValue=${(port) => set_query({ port }, { step: false })} /></div></div>
		<p class="hint"><${Rich} text=${page.port_notes.join(t('text.between'))} /></p>
		${inputs.choices.auth && !page.cannot && html`<${Password} customer=${customer} inputs=${inputs} />`}<//>`;
}

// An app password, made here; it stands in the lines only while this page does.
function Password({ customer, inputs }) {
	const [made, set_made] = useState(false);
	const make = () => attempt(() => api.post(of(customer, 'users', inputs.login.trim(), 'app-passwords')),
		{ then: (answer) => { inputs.set_password(answer.password); set_made(true); } });
	return html`<div class="strip-fields"><${TextField} label=${t('connect.login')} mono value=${inputs.login} onValue=${inputs.set_login} />
			${may('users') && html`<div class="field"><span class="label">${t('passwords.title')}</span>
				<button class="button" onClick=${make}><${Icon} name="plus" /> ${t('passwords.make')}</button></div>`}</div>
		${made ? html`<${Note} kind="warn">${t('connect.password_now')}<//>` : html`<p class="hint">${t('connect.password_hint')}</p>`}`;
}

function Cannot({ customer, cannot }) {
	return html`<${Card} edge="warn" title=${t('connect.cannot')}><p>${cannot.text}</p>
		<ul class="plain-list">${cannot.instead.map((x) => html`<li key=${x}><${Rich} text=${x} /></li>`)}</ul>
		${may('settings') && html`<p class="actions"><a class="button primary" href=${at(customer, 'settings', new_id())}>${cannot.action}</a></p>`}<//>`;
}

function Steps({ page }) {
	return html`<${Card} title=${t('connect.set_up', { product: page.title })}>
		${page.requires.length > 0 && html`<p class="hint">${t('connect.requires')}</p>
			<ul class="hint">${page.requires.map((x) => html`<li key=${x}><${Rich} text=${x} /></li>`)}</ul>`}
		<${StepList} steps=${page.steps} />
		<details open=${page.fold.open}><summary>${page.fold.title}</summary><div class="stack">
			<ul class="plain-list">${page.fold.notes.map((x) => html`<li key=${x}><${Rich} text=${x} /></li>`)}</ul>
			<${StepList} steps=${page.fold.steps} /></div></details>
		<p class="hint">${page.closing}</p><//>`;
}

function StepList({ steps }) {
	if (steps.length === 0)
		return null;
	return html`<ol class="numbered">${steps.map((s) => html`<li key=${s.number}><div><h3><${Rich} text=${s.text} /></h3>
		${s.code && html`<${Code} name=${s.code.head} text=${s.code.text.trimEnd()} />`}
		${s.notes.map((n) => html`<p class="hint" key=${n}><${Rich} text=${n} /></p>`)}</div></li>`)}</ol>`;
}

// --- aside ------------------------------------------------------------------
function Check({ customer, guide, page, inputs }) {
	const query = inputs.client ? { client: inputs.client } : { setting: inputs.setting?.id };
	const ranges = (inputs.setting?.ip_entries ?? []).filter((e) => e.enabled).map((e) => e.range);
	const who = inputs.client ?? ranges[0] ?? inputs.setting?.description ?? '–';
	const name = advice(guide, 'helo', { host: inputs.values.host, helo: 'localhost', address: inputs.values.address },
		{ helo: inputs.values.helo, tls: inputs.choices.tls }, language.value)?.changes[0];
	if (!inputs.client && !inputs.setting)
		return null;
	return html`<${LiveCheck} customer=${customer} query=${query} who=${who} checks=${page.checks}
		want=${{ tls: inputs.choices.tls === 'required', auth: inputs.choices.auth, relay: inputs.values.host }}
		helo_fix=${name && { head: name.head, text: name.plus.join('\n') }} />`;
}

function Credentials({ page, inputs }) {
	return html`<${Card} title=${t('connect.credentials')}><${Facts} rows=${[
		[t('connect.server'), html`<code>${inputs.values.host ?? '–'}</code>`],
		[t('connect.port'), html`<code>${page.port}</code>`],
		[t('connect.smtp_auth'), inputs.choices.auth ? html`<code>${inputs.values.user || '–'}</code>` : t('connect.auth_not_needed')],
	]} /><//>`;
}
