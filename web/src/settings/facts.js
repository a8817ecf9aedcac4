// A relay setting in words: its three facts, and each of its fields.
import { t } from '../words.js';

export function senders(setting) {
	return t(`setting.senders.${setting.allowed_senders}`);
}

export function authentication(setting) {
	if (setting.ip_only && setting.require_auth)
		return t('setting.auth.both');
	if (setting.require_auth)
		return t('setting.auth.smtp');
	return t(setting.ip_only ? 'setting.auth.ip' : 'setting.auth.none');
}

export function encryption(setting) {
	return t(setting.require_tls ? 'setting.tls.required' : 'setting.tls.optional');
}

// Value of one field as it is read in "What Save will change" and the audit.
export function value_of(member, value) {
	if (member === 'allowed_senders')
		return t(`setting.senders.${value}`);
	if (member === 'line_ends')
		return t(`setting.line_ends.${value}`);
	if (typeof value === 'boolean')
		return t(value ? 'setting.on' : 'setting.off');
	return value || '–';
}

// How many addresses a range holds.
export function addresses_in(range) {
	const [first, bits] = String(range).split('/');
	const all = first.includes(':') ? 128 : 32;
	return 2 ** (all - Number(bits ?? all));
}

// A single address without its /32.
export function shown_range(range) {
	return String(range).replace(/\/(32|128)$/, (m, bits) =>
		bits === (range.includes(':') ? '128' : '32') ? '' : m);
}
