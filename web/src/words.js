// The words of the pages in the reader's language, and dates and numbers in
// the customer's time zone. t(KEY, {n: 3}) fills {n}; a plural is written
// {n, plural, one {# message} other {# messages}}. One language is loaded at
// a time; the keys of both are the same (tests/browser checks it).
import { signal } from '@preact/signals';

const languages = ['ja', 'en'];
export const language = signal('en');
export const zone = signal(undefined);          // IANA name; undefined: the browser's

let words = {};

const files = {
	en: () => import('../words/en.json'),
	ja: () => import('../words/ja.json'),
};

export async function load_language(wanted) {
	const name = languages.includes(wanted) ? wanted : 'en';
	words = (await files[name]()).default;
	document.documentElement.lang = name;
	language.value = name;
}

export function preferred_language() {
	const asked = new URLSearchParams(location.search).get('lang');
	const kept = localStorage.getItem('language');
	const own = (navigator.language ?? 'en').slice(0, 2);
	return [asked, kept, own].find((x) => languages.includes(x)) ?? 'en';
}

export function has_word(key) {
	return words[key] !== undefined;
}

// Text of a key. A missing one shows itself and complains, so that tests see it.
export function t(key, values) {
	return pieces(key, values).map((p) => shown(p)).join('');
}

// The same as a list of strings and elements: values may be elements.
export function tx(key, values) {
	return pieces(key, values).map((p) => typeof p === 'number' ? num(p) : p);
}

// Text of a key that may be missing, else what stands for it.
export function t_or(key, other, values) {
	return has_word(key) ? t(key, values) : other;
}

function shown(piece) {
	return typeof piece === 'number' ? num(piece) : String(piece ?? '–');
}

function pieces(key, values = {}) {
	language.value;                         // whoever shows it follows the language
	const text = words[key];
	if (text === undefined) {
		console.error(`no word: ${key}`);
		return [key];
	}
	return fill(text, values);
}

// Splits a text at its braces; a plural's branches are filled in turn (they
// hold no braces but #).
function fill(text, values) {
	const out = [];
	const pattern = /\{(\w+)(?:, plural, ((?:\w+ \{[^{}]*\} ?)+))?\}/g;
	let last = 0;
	for (const m of text.matchAll(pattern)) {
		out.push(text.slice(last, m.index));
		out.push(m[2] ? plural(m[2], values[m[1]]) : values[m[1]] ?? '–');
		last = m.index + m[0].length;
	}
	out.push(text.slice(last));
	return out.filter((p) => p !== '');
}

function plural(branches, n) {
	const kind = new Intl.PluralRules(language.value).select(Number(n) || 0);
	const all = Object.fromEntries(
		[...branches.matchAll(/(\w+) \{([^{}]*)\}/g)].map((m) => [m[1], m[2]]));
	return (all[kind] ?? all.other).replaceAll('#', num(n));
}

// --- numbers -----------------------------------------------------------------
export function num(n) {
	if (n === null || n === undefined)
		return '–';
	return new Intl.NumberFormat(language.value).format(n);
}

export function percent(part, whole) {
	if (!whole)
		return '–';
	return `${num(Math.floor(part * 100 / whole))} %`;
}

export function bytes(n) {
	if (n === null || n === undefined)
		return '–';
	return t('unit.bytes', { n });
}

// "a, b" as the language lists things.
export function list(texts) {
	return texts.join(language.value === 'ja' ? '、' : ', ');
}

// A size in lists: whole kilobytes and more.
export function size(n) {
	if (n === null || n === undefined)
		return '–';
	const unit = n < 1e6 ? 'kilobyte' : 'megabyte';
	const value = n < 1e6 ? Math.max(1, Math.round(n / 1e3)) : Math.round(n / 1e5) / 10;
	return new Intl.NumberFormat(language.value, { style: 'unit', unit,
		unitDisplay: 'short' }).format(value);
}

// A length of time in at most two units: "6 h 12 min", "1.2 s".
export function duration(ms) {
	if (ms === null || ms === undefined)
		return '–';
	if (ms < 1000)
		return t('unit.ms', { n: Math.round(ms) });
	if (ms < 60000)
		return t('unit.s', { n: ms < 10000 ? Math.round(ms / 100) / 10
			: Math.round(ms / 1000) });
	const minutes = Math.floor(ms / 60000);
	if (minutes < 60)
		return t('unit.min', { n: minutes });
	const hours = Math.floor(minutes / 60);
	if (hours < 48)
		return two('unit.h', hours, 'unit.min', minutes % 60);
	return two('unit.d', Math.floor(hours / 24), 'unit.h', hours % 24);
}

function two(big, n, small, m) {
	return m ? `${t(big, { n })} ${t(small, { n: m })}` : t(big, { n });
}

// --- times -------------------------------------------------------------------
function format(at, options) {
	return new Intl.DateTimeFormat(language.value === 'ja' ? 'ja-JP' : 'en-GB',
		{ timeZone: zone.value, ...options }).format(new Date(at))
		.replace(/(\d)(?=[年月日])|([年月])(?=\d)/g, '$& ');
}

export function clock(at) {
	return at ? format(at, { hour: '2-digit', minute: '2-digit' }) : '–';
}

export function clock_seconds(at) {
	return at ? format(at, { hour: '2-digit', minute: '2-digit',
		second: '2-digit' }) : '–';
}

export function clock_ms(at) {
	return at ? format(at, { hour: '2-digit', minute: '2-digit',
		second: '2-digit', fractionalSecondDigits: 3 }) : '–';
}

export function day(at) {
	return at ? format(at, { month: 'short', day: 'numeric' }) : '–';
}

export function full_day(at) {
	return at ? format(at, { year: 'numeric', month: 'long', day: 'numeric' })
		: '–';
}

export function weekday(at) {
	return at ? format(at, { year: 'numeric', month: 'long', day: 'numeric',
		weekday: language.value === 'ja' ? 'short' : 'long' }) : '–';
}

export function same_day(a, b) {
	return day(a) === day(b) && full_day(a) === full_day(b);
}

// What the zone's clocks are ahead of UTC at that time.
export function zone_offset_ms(at) {
	const parts = Object.fromEntries(new Intl.DateTimeFormat('en', { timeZone: zone.value,
		hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric',
		minute: 'numeric' }).formatToParts(new Date(at)).map((p) => [p.type, Number(p.value)]));
	const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute);
	return local - Math.floor(Number(new Date(at)) / 60000) * 60000;
}

// The time of day when it was today, else with the date before it.
export function moment(at) {
	if (!at)
		return '–';
	return same_day(at, Date.now()) ? clock_seconds(at)
		: `${day(at)} ${clock(at)}`;
}

// "JST"; a locale knows the short names of its own part of the world only.
export function zone_name(at) {
	const names = ['en-US', 'en-GB', 'ja-JP'].map((locale) => new Intl.DateTimeFormat(locale,
		{ timeZone: zone.value, timeZoneName: 'short' }).formatToParts(new Date(at))
		.find((p) => p.type === 'timeZoneName')?.value ?? '');
	return names.find((name) => !name.startsWith('GMT')) ?? names[0];
}
