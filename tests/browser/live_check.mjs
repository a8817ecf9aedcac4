// What the live check says of what was seen, without a browser: node live_check.mjs
import { check_lines } from '../../web/src/live_check.js';
import { generic_name } from '../../web/src/generic_names.js';
import { check, finish } from './results.mjs';

const seen = { client: '192.0.2.7', client_name: 'office', helo: 'mail.example.com', tls: 'TLSv1.3', from: 'a@example.com',
	setting: { description: 'servers' }, recipients: [{ state: 'delivered' }], took_ms: 1200 };
const want = { relay: 'relay.example.net' };
const states = (s, counts = {}, w = want) => check_lines(s, counts, w).map((l) => `${l.key}=${l.state}`).join(' ');
const cases = [
	['nothing yet', null, { waited_s: 3 }, want, 'connection=run address=wait tls=wait helo=wait message=wait delivery=wait'],
	['nothing for long', null, { waited_s: 15 }, want, 'connection=warn address=wait tls=wait helo=wait message=wait delivery=wait'],
	['all well', seen, { count: 1, connections: 1 }, want, 'connection=ok address=ok tls=ok helo=ok message=ok delivery=ok'],
	['reused', seen, { count: 3, connections: 1 }, want, 'connection=ok address=ok tls=ok helo=ok message=ok reuse=ok delivery=ok'],
	['a connection each', seen, { count: 21, connections: 21 }, want, 'connection=ok address=ok tls=ok helo=ok message=ok reuse=warn delivery=ok'],
	['in clear though optional', { ...seen, tls: null }, {}, want, 'connection=ok address=ok tls=warn helo=ok message=ok delivery=ok'],
	['generic name', { ...seen, helo: 'localhost.localdomain' }, {}, want, 'connection=ok address=ok tls=ok helo=warn message=ok delivery=ok'],
	['not listed', { ...seen, cause: 'address', reply: '550' }, {}, want, 'connection=ok address=bad tls=ok helo=ok message=bad delivery=wait'],
	['wrong password', { ...seen, cause: 'credentials', reply: '535' }, {}, { ...want, auth: true },
		'connection=ok address=ok tls=ok helo=ok auth=bad message=bad delivery=wait'],
	['signed in', { ...seen, login: 'a@example.com' }, {}, { ...want, auth: true },
		'connection=ok address=ok tls=ok helo=ok auth=ok message=ok delivery=ok'],
	['deferred', { ...seen, recipients: [{ state: 'deferred', reply: '450 later' }] }, {}, want,
		'connection=ok address=ok tls=ok helo=ok message=ok delivery=warn'],
];
for (const [name, s, counts, w, expected] of cases)
	check(`live check: ${name}`, states(s, counts, w) === expected, states(s, counts, w));
for (const name of ['localhost', 'LOCALHOST.localdomain', 'server.local', '[127.0.0.1]', 'scanner', 'relay.example.net', '192.0.2.1'])
	check(`generic: ${name}`, generic_name(name, 'relay.example.net'));
for (const name of ['mail.example.com', 'localhost-7.example.com'])
	check(`own: ${name}`, !generic_name(name, 'relay.example.net'));
finish();
