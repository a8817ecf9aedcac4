// Calls of the HTTP API (/api/v1). A bad answer is thrown as a Problem (RFC
// 9457), whose `detail` the server wrote in the reader's language. Who is not
// signed in (401) and whether admin answers (503) is told to `signed_out` and
// `admin_down`, which the frame shows.
import { signal } from '@preact/signals';
import { language, t } from './words.js';

export const admin_down = signal(false);
export const signed_out = signal(0);            // counts 401 answers
export const answered_at = signal(0);           // ms; each good answer keeps the session

let csrf = '';

export function keep_csrf(token) {
	csrf = token ?? '';
}

export class Problem extends Error {
	constructor(status, body, headers) {
		super(body.detail ?? body.title ?? String(status));
		this.status = status;
		this.title = body.title;
		this.detail = body.detail;
		this.errors = body.errors ?? [];
		this.audit = body.instance ?? headers?.get('X-Request-Id');
		this.retry_after = Number(headers?.get('Retry-After')) || null;
	}
}

function address(path, query) {
	const pairs = Object.entries(query ?? {})
		.filter(([, v]) => v !== undefined && v !== null && v !== '');
	const text = new URLSearchParams(pairs).toString();
	return `/api/v1${path}${text ? `?${text}` : ''}`;
}

function headers_of(method, body, etag) {
	const headers = { Accept: 'application/json',
		'Accept-Language': language.value };
	if (method !== 'GET')
		headers['X-CSRF-Token'] = csrf;
	if (body !== undefined)
		headers['Content-Type'] = 'application/json';
	if (etag)
		headers['If-Match'] = etag;
	return headers;
}

async function read(response) {
	const text = await response.text();
	try {
		return text ? JSON.parse(text) : null;
	} catch {
		return null;
	}
}

// options: query (object), body, etag, signal (AbortSignal), quiet (a 401 is
// the caller's own affair).
async function call(method, path, { query, body, etag, signal: stop, quiet } = {}) {
	let response;
	try {
		response = await fetch(address(path, query), {
			method, signal: stop, credentials: 'same-origin',
			headers: headers_of(method, body, etag),
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch (error) {
		if (error.name === 'AbortError')
			throw error;
		throw new Problem(0, { detail: t('error.no_connection') });
	}
	const answer = await read(response);
	if (response.ok) {
		admin_down.value = false;
		answered_at.value = Date.now();
		return answer;
	}
	if (response.status === 503)
		admin_down.value = true;
	if (response.status === 401 && !quiet)
		signed_out.value++;
	throw new Problem(response.status, answer ?? {}, response.headers);
}

export const api = {
	get: (path, options) => call('GET', path, options),
	post: (path, body = {}, options) => call('POST', path, { body, ...options }),
	put: (path, body = {}, options) => call('PUT', path, { body, ...options }),
	patch: (path, body = {}, options) => call('PATCH', path, { body, ...options }),
	remove: (path, options) => call('DELETE', path, options),
};

// Path of something of one customer: of('example', 'messages', id).
export function of(customer, ...rest) {
	return '/' + ['customers', customer, ...rest].map(encodeURIComponent).join('/');
}
