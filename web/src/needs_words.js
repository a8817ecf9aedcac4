// What needs a person, in words: one line what, one line detail, one button and
// where it leads. kind → texts need.KIND, need.KIND.detail, need.KIND.act.
import { at } from './router.js';
import { t, clock, full_day, has_word, duration, language } from './words.js';
import { cause_title } from './refusal_words.js';

// Where the button of a kind leads; the server's own link wins.
function leads_to(customer, { kind, values = {} }) {
	switch (kind) {
	case 'address_refused':
	case 'refused_often':
		return values.reference ? at(customer, 'sessions', values.reference)
			: `${at(customer, 'messages')}?state=refused&text=${encodeURIComponent(values.address ?? '')}`;
	case 'limit_near':
	case 'limit_full':
		return at(customer, 'limits');
	case 'helo_generic':
	case 'helo_shared':
		return at(customer, 'connect');
	case 'app_password_new_network':
		return values.user ? at(customer, 'users', values.user) : at(customer, 'users');
	case 'domain_failing':
		return at(customer, 'domains', values.domain ?? '');
	case 'destination_down':
		return `${at(customer, 'queue', 'list')}?destination=${encodeURIComponent(values.destination ?? '')}`;
	case 'ip_inert':
	case 'postmaster_no_route':
		return at(customer, 'settings');
	case 'held':
		return `${at(customer, 'queue', 'list')}?state=held`;
	default:
		return at(customer, 'alerts');
	}
}

// Values as the texts take them: times as times of day, the limit by its name.
function filled(values = {}) {
	const out = { ...values };
	for (const [name, value] of Object.entries(values)) {
		if (/_at$|_time$/.test(name))
			out[name] = clock(value);
		else if (/_day$|_date$/.test(name))
			out[name] = full_day(value);
		else if (/_ms$/.test(name))
			out[name] = duration(value);
	}
	if (values.limit && has_word(`limit.${values.limit}`))
		out.limit = t(`limit.${values.limit}`);
	if (values.cause)
		out.cause = cause_title(values.cause);
	return out;
}

export function need_words(customer, need) {
	const known = has_word(`need.${need.kind}`);
	const key = known ? need.kind : 'other';
	const values = filled({ count: need.count ?? 1, ...need.values });
	const own = need[language.value];       // texts of the server, for kinds of later versions
	return {
		title: known ? t(`need.${key}`, values) : own ?? t('need.other', { kind: need.kind }),
		detail: has_word(`need.${key}.detail`) ? t(`need.${key}.detail`, values) : '',
		act: has_word(`need.${key}.act`) ? t(`need.${key}.act`) : t('need.look'),
		href: need.link?.startsWith('/') ? need.link
			: customer ?? need.customer ? leads_to(customer ?? need.customer, need) : null,
	};
}

export const need_kind = { bad: 'refused', error: 'refused', warn: 'warn', warning: 'warn', note: 'note' };
