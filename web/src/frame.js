// What stands around every page: skip link, top bar with search, language and
// person, bars that tell of trouble, menu (a drawer on phones), session's end.
import { useEffect, useState } from 'preact/hooks';
import { html } from './html.js';
import { place, at } from './router.js';
import { session, person, is_operator, choose_language, sign_out, may } from './session.js';
import { admin_down } from './api.js';
import { stale, last_event_at, live, start_live, stop_live } from './live.js';
import { t, language, clock_seconds } from './words.js';
import { groups } from './menu_entries.js';
import { operator_entries } from './operator_entries.js';
import { Icon } from './parts/icon.js';
import { Menu } from './parts/menu.js';
import { Search } from './parts/search.js';
import { Segments } from './parts/field.js';
import { SessionEnd } from './parts/session_end.js';
import { Drawer } from './parts/drawer.js';

export function Frame({ customer, children }) {
	const [drawer, set_drawer] = useState(false);
	const [searching, set_searching] = useState(false);
	const own = customer ?? person.value?.customer ?? null;
	useEffect(() => { start_live(); return stop_live; }, []);
	useEffect(() => { set_drawer(false); set_searching(false); }, [place.value]);
	return html`
		<a class="skip" href="#main">${t('frame.skip')}</a>
		<header class="top">
			<${Brand} />
			<${Search} customer=${own} open=${searching} />
			<div class="top-end"><${Language} /><${Who} /></div>
			<div class="phone-buttons">
				<button class="icon-button" aria-label=${t('frame.search')} aria-expanded=${searching}
					onClick=${() => set_searching(!searching)}><${Icon} name="search" /></button>
				<button class="icon-button" aria-label=${t('frame.menu')} aria-haspopup="dialog"
					onClick=${() => set_drawer(true)}><${Icon} name="menu" /></button>
			</div>
		</header>
		<${Bars} customer=${customer} />
		<div class="shell">
			<nav class="side" aria-label=${t('frame.menu')}><${Entries} customer=${own} /></nav>
			<main id="main" tabindex="-1">${children}</main>
		</div>
		${drawer && html`<${Drawer} onClose=${() => set_drawer(false)}>
			<div class="top-end"><${Language} /><${Who} /></div>
			<nav class="side" aria-label=${t('frame.menu')}><${Entries} customer=${own} /></nav><//>`}
		<${SessionEnd} />`;
}

function Brand() {
	return html`<a class="brand" href="/"><${Icon} name="horn" /><span>Postrider</span></a>`;
}

export function Language() {
	return html`<${Segments} label=${t('frame.language')} value=${language.value}
		options=${[['ja', '日本語', 'ja'], ['en', 'English', 'en']]} onValue=${choose_language} />`;
}

function Who() {
	const { name, address, role, customer } = person.value;
	const label = html`<span class="who"><span>${customer ?? t('role.operator')}</span>
		<span class="sub">${name ?? address} · ${t(`role.${role}`)}</span></span>`;
	return html`<${Menu} label=${label} button_class="icon-button">
		<a href="/account">${t('frame.account')}</a>
		${(is_operator.value || session.value.customers_count > 1) &&
			html`<a href="/operator/customers">${t('frame.switch_customer')}</a>`}
		<button onClick=${sign_out}>${t('frame.sign_out')}</button><//>`;
}

// Bars below the top: the operator inside a customer, admin down, stale data.
function Bars({ customer }) {
	return html`<section aria-label=${t('frame.notices')}>
		${is_operator.value && customer && html`<div class="bar operator"><${Icon} name="info" />
			<span>${t('frame.as_operator', { customer })}</span>
			<a href="/">${t('frame.back_to_operator')}</a></div>`}
		${admin_down.value && html`<div class="bar trouble" role="alert"><${Icon} name="triangle" class="tone-warn" />
			<span>${t('frame.admin_down')}</span></div>`}
		${stale.value && !admin_down.value && html`<div class="bar trouble" role="status"><${Icon} name="clock" class="tone-warn" />
			<span>${t('frame.stale', { time: clock_seconds(last_event_at.value) })}</span></div>`}</section>`;
}

function Entries({ customer }) {
	if (!customer)
		return html`<${Group} entries=${operator_entries.map((e) => ({ ...e, href: e.path }))} />`;
	return groups.map((group) => {
		const entries = group.entries.filter((e) => !e.needs || may(e.needs))
			.map((e) => ({ ...e, href: e.page ? at(customer, e.page) : at(customer) }));
		return entries.length > 0 && html`
			${group.word && html`<h2>${t(group.word)}</h2>`}
			<${Group} entries=${entries} customer=${customer} />`;
	});
}

function Group({ entries, customer }) {
	const { path } = place.value;
	const bare = (text) => text.replace(/\/$/, '');
	const here = (e) => bare(path) === bare(e.href) ||
		(e.page && path.startsWith(`${e.href}/`)) ||
		e.also?.some((page) => path.startsWith(at(customer, page)));
	return html`<ul>${entries.map((e) => html`<li><a href=${e.href}
		aria-current=${here(e) ? 'page' : undefined}><${Icon} name=${e.icon} />
		<span>${t(e.word)}</span>
		${e.count && live.value[e.count] > 0 && html`<span class="count">${live.value[e.count]}</span>`}
		</a></li>`)}</ul>`;
}
