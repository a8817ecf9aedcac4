// The words of the pages without a browser: both languages have the same keys
// with the same places to fill, every key used is there and every key there is
// used, no template shows letters of its own, lock files name no host; and every
// path that is asked of the API is a route of src/console/api.def.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const web = path.join(top, 'web');
let passed = 0;
let failed = 0;

function check(name, problems) {
	if (problems.length === 0) {
		passed++;
		return;
	}
	failed++;
	for (const p of problems.slice(0, 20))
		console.log(`FAIL ${name}: ${p}`);
}

function files(folder, ending) {
	return fs.readdirSync(folder, { withFileTypes: true }).flatMap((e) => {
		const file = path.join(folder, e.name);
		return e.isDirectory() ? files(file, ending)
			: e.name.endsWith(ending) ? [file] : [];
	});
}

function load(name) {
	return JSON.parse(fs.readFileSync(path.join(web, 'words', name), 'utf8'));
}

function places(text) {
	const outside = text.replace(/, plural,( ?\w+ \{[^{}]*\})+/g, '');      // branches of plurals
	return [...new Set([...outside.matchAll(/\{(\w+)(?=[},])/g)].map((m) => m[1]))].sort().join(' ');
}

// The template literals after html`: their fixed text, with \u0000 for each ${…}.
// Nested templates are found by themselves.
export function templates(source) {
	const found = [];
	for (const m of source.matchAll(/html`/g))
		found.push(fixed_text(source, m.index + m[0].length));
	return found;
}

function fixed_text(source, i) {
	let out = '';
	for (;;) {
		const c = source[i];
		if (c === undefined || c === '`')
			return out;
		if (c === '$' && source[i + 1] === '{') {
			i = after_expression(source, i + 2);
			out += '\u0000';
		} else {
			out += c;
			i++;
		}
	}
}

// Past the } that ends an expression: strings and templates in it are skipped.
function after_expression(source, i) {
	let depth = 1;
	while (depth > 0 && i < source.length) {
		const c = source[i];
		if (c === '{')
			depth++;
		else if (c === '}')
			depth--;
		else if (c === "'" || c === '"')
			i = after_string(source, i);
		else if (c === '`')
			i = after_template(source, i + 1) - 1;
		i++;
	}
	return i;
}

function after_string(source, i) {
	const quote = source[i++];
	while (source[i] !== quote && i < source.length)
		i += source[i] === '\\' ? 2 : 1;
	return i;
}

function after_template(source, i) {
	while (source[i] !== '`' && i < source.length) {
		if (source[i] === '$' && source[i + 1] === '{')
			i = after_expression(source, i + 2);
		else
			i++;
	}
	return i + 1;
}

// Names that are the same in every language.
const proper = /^(Postrider|postrider|\u0000|\s|[^\p{L}])*$/u;

function literals(source) {
	const bad = [];
	for (const text of templates(source)) {
		const shown = text.replace(/<[^<>]*>/g, '\n');
		for (const piece of shown.split('\n'))
			if (!proper.test(piece))
				bad.push(piece.trim());
		for (const m of text.matchAll(/\b(title|aria-label|placeholder|alt|label|lead|hint)="([^"]*)"/g))
			if (!proper.test(m[2]))
				bad.push(m[0]);
	}
	return bad;
}

// --- calls of the API ----------------------------------------------------------
// "GET /customers/{}/users" of every route; {} stands for any member.
function routes_of(text) {
	return new Set([...text.matchAll(/ROUTE\((\w+),\s*"([^"]+)"/g)]
		.map((m) => `${m[1]} ${m[2].replace(/\{\w+\}/g, '{}')}`));
}

// Arguments of the call that begins behind its "(", as they are written.
function args_at(source, i) {
	const out = [''];
	for (let depth = 0; i < source.length; i++) {
		const c = source[i];
		const end = c === "'" ? after_string(source, i) + 1 : c === '`' ? after_template(source, i + 1) : i + 1;
		if (depth === 0 && c === ')')
			return out;
		if (depth === 0 && c === ',')
			out.push('');
		else
			out[out.length - 1] += source.slice(i, end);
		depth += '([{'.includes(c) ? 1 : ')]}'.includes(c) ? -1 : 0;
		i = end - 1;
	}
	return out;
}

// The paths that an expression may be: 'text', `text ${x}`, of(…), a name that
// the source before it gives one by `const`, or either side of ?:.
function paths_of(expression, source) {
	const e = expression.trim();
	const either = /^[^?`']+\?([^:?]*):([\s\S]*)$/.exec(e);
	if (either)
		return either.slice(1).flatMap((x) => paths_of(x, source));
	if (e.startsWith("'"))
		return [e.slice(1, -1)];
	if (e.startsWith('`${of('))
		return paths_of(e.slice(3, e.indexOf('}')), source).map((p) => p + e.slice(e.indexOf('}') + 1, -1));
	if (e.startsWith('`${path}'))
		return paths_of('path', source).map((p) => p + e.slice('`${path}'.length, -1));
	if (e.startsWith('`'))
		return [e.slice(1, -1).replace(/\$\{[^}]*\}/g, '{}')];
	if (e.startsWith('of('))
		return members(args_at(e, 3).map((x) => x.trim()), source).map((m) => `/customers/${m.join('/')}`);
	const given = [...source.matchAll(new RegExp(`\\bconst ${e} = ([^;]+);`, 'g'))].at(-1);
	return given ? paths_of(given[1], source) : [];
}

// Each way to read the members: 'text' is itself, a choice is both, else any.
function members(all) {
	return all.reduce((ways, x) => ways.flatMap((way) => {
		const texts = /^'[^']*'$/.test(x) ? [x.slice(1, -1)]
			: [...x.matchAll(/\? '([^']*)' : '([^']*)'$/g)].flatMap((m) => m.slice(1));
		return (texts.length ? texts : ['{}']).map((text) => [...way, text]);
	}), [[]]);
}

const verbs = { get: 'GET', post: 'POST', put: 'PUT', patch: 'PATCH', remove: 'DELETE' };

function calls(source) {
	return [...source.matchAll(/\bapi\.(get|post|put|patch|remove)\(/g)].flatMap((m) => {
		const [first] = args_at(source, m.index + m[0].length);
		const found = paths_of(first, source.slice(0, m.index));
		return (found.length ? found : [`(not understood: ${first})`]).map((p) => ({ method: verbs[m[1]], path: p }));
	});
}

const routes = routes_of(fs.readFileSync(path.join(top, 'src/console/api.def'), 'utf8'));

const en = load('en.json');
const ja = load('ja.json');
check('keys', [
	...Object.keys(en).filter((k) => !(k in ja)).map((k) => `${k} is not in ja`),
	...Object.keys(ja).filter((k) => !(k in en)).map((k) => `${k} is not in en`)]);
check('places', Object.keys(en).filter((k) => k in ja && places(en[k]) !== places(ja[k]))
	.map((k) => `${k}: {${places(en[k])}} and {${places(ja[k])}}`));
check('translated', Object.keys(en).filter((k) => ja[k] === en[k] && /[a-z]{4}/.test(en[k]) &&
	!/^(name|product|code)\./.test(k)).map((k) => `${k} is the same in both`));
check('sorted', ['en', 'ja'].filter((n) => {
	const keys = Object.keys(load(`${n}.json`));
	return keys.join() !== [...keys].sort().join();
}).map((n) => `${n}.json: sort the keys`));

const sources = files(path.join(web, 'src'), '.js');
const whole = new Set();
const prefixes = new Set();
for (const file of sources) {
	const text = fs.readFileSync(file, 'utf8');
	for (const m of text.matchAll(/'([a-z][\w-]*(?:\.[\w-]+)+)'/g))
		whole.add(m[1]);
	for (const m of text.matchAll(/`([a-z][\w-]*\.[\w.-]*)\$\{/g))
		prefixes.add(m[1]);
}
const missing = [];
for (const file of sources) {
	const text = fs.readFileSync(file, 'utf8');
	for (const m of text.matchAll(/\btx?\('([\w.-]+)'/g))
		if (!(m[1] in en))
			missing.push(`${path.relative(top, file)}: ${m[1]}`);
	for (const m of text.matchAll(/\bt(?:x|_or)?\(`([\w.-]+)\$\{/g))
		if (!Object.keys(en).some((k) => k.startsWith(m[1])))
			missing.push(`${path.relative(top, file)}: ${m[1]}…`);
}
check('missing', missing);
check('unused', Object.keys(en).filter((k) => !whole.has(k) &&
	![...prefixes].some((p) => k.startsWith(p))));
check('literals', sources.flatMap((file) => literals(fs.readFileSync(file, 'utf8'))
	.map((x) => `${path.relative(top, file)}: “${x}”`)));
check('no markup from data', sources.filter((f) =>
	/innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(/
		.test(fs.readFileSync(f, 'utf8'))).map((f) => path.relative(top, f)));
check('no style attributes', sources.filter((f) =>
	/html`[^`]*\sstyle=/.test(fs.readFileSync(f, 'utf8'))).map((f) => path.relative(top, f)));
check('calls are routes', sources.flatMap((file) => calls(fs.readFileSync(file, 'utf8'))
	.filter((c) => !routes.has(`${c.method} ${c.path}`))
	.map((c) => `${path.relative(top, file)}: ${c.method} ${c.path} is in no row of api.def`)));
check('lock files name no host', [path.join(web, 'package-lock.json'),
	path.join(top, 'tests/browser/package-lock.json')].filter((f) =>
	fs.readFileSync(f, 'utf8').includes('://')).map((f) => path.relative(top, f)));

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
