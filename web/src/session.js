// Who is signed in, and how that changes: null while unknown, {state: 'out'},
// or what GET /api/v1/session says (state: in, code, enrol).
import { signal, computed, effect } from '@preact/signals';
import { api, keep_csrf, signed_out } from './api.js';
import { load_language, language, zone } from './words.js';

export const session = signal(null);
export const person = computed(() => session.value?.person ?? null);
const role = computed(() => person.value?.role ?? null);
export const is_operator = computed(() => role.value === 'operator');

// What a role may do on the pages (CONSOLE.md section 2); the server judges
// each call again.
const rights = {
	'operator': ['settings', 'users', 'domains', 'queue', 'limits', 'operate', 'audit', 'explain', 'connect'],
	'super-admin': ['settings', 'users', 'domains', 'queue', 'limits', 'audit', 'explain', 'connect'],
	'unit-admin': ['users', 'queue', 'explain', 'connect'],
	'auditor': ['audit', 'explain'],
};

export function may(what) {
	return (rights[role.value] ?? []).includes(what);
}

export async function load_session() {
	try {
		await take_session(await api.get('/session', { quiet: true }));
	} catch (problem) {
		session.value = { state: 'out', failed: problem.status !== 401 };
	}
}

async function take_session(answer) {
	keep_csrf(answer.csrf);
	zone.value = known_zone(answer.time_zone);
	show_scheme(answer.scheme);
	if (answer.language && answer.language !== language.value)
		await load_language(answer.language);
	const idle_ms = answer.idle_ends_at ? Date.parse(answer.idle_ends_at) - Date.now() : null;
	session.value = { ...answer, idle_ms };
}

function known_zone(name) {
	try {
		new Intl.DateTimeFormat('en', { timeZone: name });
		return name || undefined;
	} catch {
		return undefined;
	}
}

// scheme: light, dark, or anything else for the system's.
export function show_scheme(scheme) {
	const root = document.documentElement;
	if (scheme === 'light' || scheme === 'dark') {
		root.dataset.theme = scheme;
		localStorage.setItem('scheme', scheme);
	} else {
		delete root.dataset.theme;
		localStorage.removeItem('scheme');
	}
}

export async function choose_language(name) {
	localStorage.setItem('language', name);
	await load_language(name);
	if (session.value?.state === 'in')
		await api.patch('/account', { language: name }).catch(() => {});
}

export async function sign_out() {
	await api.remove('/session').catch(() => {});
	session.value = { state: 'out' };
}

// A call was answered 401: the session has ended. The address stays, so that
// signing in leads back to the same view.
effect(() => {
	if (signed_out.value > 0 && session.peek()?.state === 'in')
		session.value = { state: 'out', ended: true };
});
