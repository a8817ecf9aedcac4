// Why a session was refused, as one sentence: the causes of CONSOLE.md section
// 5 by the API's keys. values: what the sentence names (address, domain, …).
import { t, clock, has_word } from './words.js';

export function cause_words(row) {
	const key = `cause.${row.cause}`;
	if (!has_word(key))
		return t('cause.other');
	return t(key, {
		ip: row.client, a: row.from ?? row.login, d: domain_of(row.from),
		time: clock(row.limit?.opens_at ?? row.opens_at), n: row.wait_s, r: row.rule,
	});
}

// The cause alone, for tables of causes.
export function cause_title(cause) {
	return has_word(`cause_title.${cause}`) ? t(`cause_title.${cause}`) : t('cause.other');
}

export function domain_of(address) {
	return (address ?? '').split('@')[1] ?? '';
}
