// What was seen of a refused session, each fact with ✓, ✗ or – and a word; the
// one at fault is known from the cause.
import { t } from './words.js';
import { tls_name } from './message_steps.js';

const fault_of = {
	address: 'address', domain: 'sender', user: 'sender', sender: 'sender', tls: 'tls', auth: 'auth', credentials: 'auth',
	foreign: 'sender', empty: 'sender', dos: 'address',
};

// [{key, title, value, state: bad|ok|none, word}]
export function facts_seen(r) {
	const fault = fault_of[r.cause];
	const row = (key, value, fine) => ({
		key, title: t(`seen.${key}`), value,
		state: key === fault ? 'bad' : fine,
		word: key === fault ? t(`seen.${key}_bad_${r.cause}`) : t(`seen.${fine === 'ok' ? 'fine' : 'not_needed'}`),
	});
	return [
		row('address', r.client, 'ok'),
		row('helo', r.helo ?? '–', r.helo ? 'ok' : 'none'),
		row('sender', r.from === '' ? '<>' : r.from ?? '–', r.from ? 'ok' : 'none'),
		row('tls', r.tls ? tls_name(String(r.tls)) : t('seen.without'), r.tls ? 'ok' : 'none'),
		row('auth', r.login ?? (r.auth === true ? t('seen.done') : t('seen.without')), r.login || r.auth === true ? 'ok' : 'none'),
	];
}
