// What needs a person, in words: one line what, one line detail, one button and
// where it leads. kind → texts need.KIND, need.KIND.detail, need.KIND.act.
import { at } from './router.js';
import { t, t_or, clock, has_word } from './words.js';
import { cause_title } from './refusal_words.js';

// Where the button of a kind leads.
function leads_to(customer, { kind, values = {} }) {
	switch (kind) {
	case 'address_refused':
	case 'refused_often':
		return `${at(customer, 'messages')}?state=refused&text=${encodeURIComponent(values.address ?? '')}`;
	case 'limit_near':
	case 'limit_full':
		return at(customer, 'limits');
	case 'ip_inert':
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
		if (/_at$/.test(name))
			out[name] = clock(value);
	}
	if (values.limit)
		out.limit = t_or(`limit.${values.limit}`, values.limit);
	if (values.cause)
		out.cause = cause_title(values.cause);
	return out;
}

export function need_words(customer, need) {
	const key = has_word(`need.${need.kind}`) ? need.kind : 'other';
	const values = filled({ count: need.count ?? 1, ...need.values });
	return {
		title: t(`need.${key}`, { kind: need.kind, ...values }),
		detail: t_or(`need.${key}.detail`, '', values),
		act: t_or(`need.${key}.act`, t('need.look')),
		href: customer ? leads_to(customer, need) : null,
	};
}

export const need_kind = { bad: 'refused', warn: 'warn', note: 'note' };
