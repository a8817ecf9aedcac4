// Which page an address shows. A route is a pattern with :names and a function
// that loads the page's module; `customer` is the name after /c/. Links are
// ordinary <a href>: one listener turns those of this origin into steps of the
// history, so every view has an address and "open in a new tab" works.
import { signal, computed } from '@preact/signals';
import { clear_told } from './status.js';

const here = signal(read());

export const place = computed(() => here.value);

function read() {
	return {
		path: location.pathname,
		query: new URLSearchParams(location.search),
		hash: location.hash,
	};
}

// What an act told stays on its page; the page that go() leads to may tell anew.
function moved() {
	if (location.pathname !== here.value.path)
		clear_told();
	here.value = read();
}

export function go(href) {
	if (href === location.pathname + location.search + location.hash)
		return;
	history.pushState(null, '', href);
	moved();
	window.scrollTo(0, 0);
}

export function replace(href) {
	history.replaceState(null, '', href);
	moved();
}

// Changes some members of the query string in place: filters, range, tab.
export function set_query(changes, { step = true } = {}) {
	const query = new URLSearchParams(location.search);
	for (const [name, value] of Object.entries(changes)) {
		if (value === null || value === undefined || value === '')
			query.delete(name);
		else
			query.set(name, value);
	}
	const text = query.toString();
	const href = location.pathname + (text ? `?${text}` : '');
	(step ? go : replace)(href);
}

// {params} when the path fits the pattern, else null.
export function match(pattern, path) {
	const want = pattern.split('/').filter(Boolean);
	const have = path.split('/').filter(Boolean);
	if (want.length !== have.length)
		return null;
	const params = {};
	for (let i = 0; i < want.length; i++) {
		if (want[i].startsWith(':'))
			params[want[i].slice(1)] = decode(have[i]);
		else if (want[i] !== have[i])
			return null;
	}
	return params;
}

function decode(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

// Address of a page of one customer: at('example', 'messages', id).
export function at(customer, ...rest) {
	return '/c/' + [customer, ...rest].map(encodeURIComponent).join('/')
		+ (rest.length ? '' : '/');
}

function own_link(event) {
	const link = event.target.closest?.('a[href]');
	if (!link || event.defaultPrevented || event.button !== 0 ||
	    event.metaKey || event.ctrlKey || event.shiftKey || event.altKey ||
	    link.target || link.hasAttribute('download') ||
	    link.origin !== location.origin || link.pathname.startsWith('/api/'))
		return;
	if (link.hash && link.pathname === location.pathname)
		return;                         // a place on this page
	event.preventDefault();
	go(link.pathname + link.search + link.hash);
}

export function start_router() {
	addEventListener('popstate', moved);
	addEventListener('hashchange', moved);
	document.addEventListener('click', own_link);
}
