// What to do about a refused session, by its cause: what to change here (one
// button into a draft) and there; texts fix.CAUSE.here and fix.CAUSE.there.
import { at } from './router.js';
import { t, t_or, has_word } from './words.js';
import { domain_of } from './refusal_words.js';
import { may } from './session.js';

function values_of(r) {
	return { ip: r.client, d: domain_of(r.from), a: r.from ?? r.login ?? '', helo: r.helo ?? '',
		setting: r.setting?.description ?? '' };
}

// Where "change it here" leads, with the value to put in.
function here_address(customer, r) {
	switch (r.cause) {
	case 'address':
		return r.setting ? `${at(customer, 'settings', r.setting.id)}?add=${encodeURIComponent(r.client)}`
			: `${at(customer, 'settings', 'new')}?add=${encodeURIComponent(r.client)}`;
	case 'domain':
		return `${at(customer, 'domains')}?add=${encodeURIComponent(domain_of(r.from))}`;
	case 'user':
		return `${at(customer, 'users')}?add=${encodeURIComponent(r.from ?? '')}`;
	case 'tls':
	case 'auth':
	case 'foreign':
	case 'empty':
		return r.setting ? at(customer, 'settings', r.setting.id) : at(customer, 'settings');
	case 'credentials':
	case 'sender':
		return r.login ? at(customer, 'users', r.login) : at(customer, 'users');
	case 'setting':
		return at(customer, 'settings');
	case 'limit_day':
	case 'limit_peak':
	case 'limit_user':
		return at(customer, 'limits');
	default:
		return null;
	}
}

const right = { address: 'settings', tls: 'settings', auth: 'settings', foreign: 'settings', empty: 'settings',
	setting: 'settings', domain: 'domains', user: 'users', credentials: 'users', sender: 'users' };

export function fix_here(customer, r) {
	const key = `fix.${r.cause}`;
	const href = here_address(customer, r);
	if (!href || !has_word(`${key}.here`))
		return null;
	const needs = right[r.cause];
	return { title: t(`${key}.here`, values_of(r)), text: t_or(`${key}.here_text`, '', values_of(r)),
		act: t_or(`${key}.here_act`, t('fix.open'), values_of(r)),
		href, allowed: !needs || may(needs) };
}

export function fix_there(r) {
	return t_or(`fix.${r.cause}.there`, null, values_of(r));
}
