// Why a session was refused, as one sentence: the causes of CONSOLE.md section
// 5 by the API's keys. values: what the sentence names (address, domain, …).
import { t, t_or, clock } from './words.js';

export function cause_words(row) {
	return t_or(`cause.${row.cause}`, t('cause.other'), {
		ip: row.client, a: row.from ?? row.login, d: domain_of(row.from),
		time: clock(row.limit?.opens_at),
	});
}

// The cause alone, for tables of causes.
export function cause_title(cause) {
	return t_or(`cause_title.${cause}`, t('cause.other'));
}

export function domain_of(address) {
	return (address ?? '').split('@')[1] ?? '';
}
