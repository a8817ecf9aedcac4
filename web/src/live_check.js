// What the live check says of the newest thing seen of a sending system: lines
// in the order of the dialogue, each with a state (wait, run, ok, warn, bad), a
// word and what was seen. Pure; parts/live_check.js asks and draws.
//
// seen: null, or {at, client, client_name, helo, tls, login, listener, setting,
// from} with `cause` and `reply` of a refusal or `recipients` of a message;
// count: messages seen, connections: theirs. want: {tls, auth, relay}.
import { generic_name } from './generic_names.js';

const many = 20;

// Causes of refusals, by the line on which they stand.
const line_of_cause = { address: 'address', domain: 'message', tls: 'tls', auth: 'auth', credentials: 'auth' };

function line(key, state, word = key, values = {}) {
	return { key, state, word, values };
}

function connection(seen, waited_s) {
	if (seen)
		return line('connection', 'ok', 'connection_seen', { client: seen.client, listener: seen.listener });
	return waited_s < 15 ? line('connection', 'run') : line('connection', 'warn', 'connection_none');
}

function address(seen, broken) {
	if (broken === 'address')
		return line('address', 'bad', 'address_unlisted', { client: seen.client });
	return seen.client_name ? line('address', 'ok', 'address_listed', { entry: seen.client_name, setting: seen.setting?.description })
		: line('address', 'ok', 'address_not_needed');
}

function tls(seen, broken, want) {
	if (seen.tls)
		return line('tls', 'ok', 'tls_used', { tls: seen.tls.replace(/v1/, ' 1') });
	return broken === 'tls' || want.tls ? line('tls', 'bad', 'tls_missing') : line('tls', 'warn', 'tls_none');
}

function helo(seen, want) {
	if (!seen.helo)
		return line('helo', 'wait');
	return generic_name(seen.helo, want.relay) ? line('helo', 'warn', 'helo_generic', { helo: seen.helo })
		: line('helo', 'ok', 'helo_fine', { helo: seen.helo });
}

function auth(seen, broken, want) {
	if (broken === 'auth')
		return line('auth', 'bad', seen.cause === 'credentials' ? 'auth_wrong' : 'auth_missing');
	if (seen.login)
		return line('auth', 'ok', 'auth_done', { login: seen.login });
	return want.auth ? line('auth', 'bad', 'auth_missing') : null;
}

function message(seen) {
	if (seen.cause)
		return line('message', 'bad', 'message_refused', { reply: seen.reply });
	return line('message', 'ok', 'message_taken', { from: seen.from || '<>', setting: seen.setting?.description });
}

function reuse(count, connections) {
	if (count < 2)
		return null;
	if (connections < count)
		return line('reuse', 'ok', 'reuse_yes');
	return count > many ? line('reuse', 'warn', 'reuse_no') : null;
}

function delivery(seen) {
	if (seen.cause)
		return line('delivery', 'wait');
	const states = (seen.recipients ?? []).map((r) => r.state);
	if (states.length > 0 && states.every((s) => s === 'delivered' || s === 'relayed'))
		return line('delivery', 'ok', 'delivered', { ms: seen.took_ms });
	const last = (seen.recipients ?? []).find((r) => r.reply);
	if (states.some((s) => s === 'deferred' || s === 'failed'))
		return line('delivery', 'warn', 'delivery_later', { reply: last?.reply });
	return line('delivery', 'run');
}

export function check_lines(seen, { count = 0, connections = 0, waited_s = 0 }, want) {
	if (!seen)
		return [connection(null, waited_s), ...['address', 'tls', 'helo', ...(want.auth ? ['auth'] : []), 'message', 'delivery']
			.map((key) => line(key, 'wait'))];
	const broken = line_of_cause[seen.cause];
	return [connection(seen), address(seen, broken), tls(seen, broken, want), helo(seen, want), auth(seen, broken, want),
		message(seen), reuse(count, connections), delivery(seen)].filter(Boolean);
}
