/* What to change at the sending system after a refusal, out of the same guide:
 * the guide is rendered as the system stands, and as it should stand; what
 * differs are the lines to take out and to put in. Pure, like render.mjs.
 *
 *   advice(guide, cause, seen, wanted, language)
 *
 * cause: address, tls, auth, credentials, foreign, empty, helo, domain, user:
 *   the keys of a refusal's cause, as far as the server can be changed.
 * seen: what the refusal tells: { host, helo, address, user, encrypted: bool,
 *   port }; wanted: { tls, auth } of the setting that came closest, helo: a
 *   good name, via: a listed server that this one can send through (address),
 *   user, password. All may be left out.
 * → { title, cannot, changes: [{head, file | null, minus: [text],
 *     plus: [text]}], steps: [text], reload: step | null, closing }, or null
 *   when nothing is to be changed there. */
import { render } from "./render.mjs";

/* Cause → the choices and values of before and after. */
const SIDES = {
	address: (seen, wanted) => wanted.via && [
		{ values: { host: seen.host } },
		{ values: { host: wanted.via }, port: 25 },
	],
	tls: (seen, wanted) => [
		{ plain: true, port: seen.port },
		{ tls: "required", auth: wanted.auth },
	],
	auth: (seen, wanted) => [
		{ plain: !seen.encrypted, tls: seen.encrypted ? "required" : "optional",
			port: seen.port },
		{ tls: "required", auth: true },
	],
	credentials: (seen, wanted) => [
		{ tls: "required", auth: true, values: {
			user: seen.user ?? "OLD-USER", password: "OLD-PASSWORD" } },
		{ tls: "required", auth: true, values: {
			user: wanted.user ?? seen.user } },
	],
	foreign: (seen, wanted) => [
		{ values: { helo: seen.helo }, tls: wanted.tls },
		{ values: { helo: wanted.helo }, tls: wanted.tls },
	],
	domain: (seen, wanted) => SIDES.foreign(seen, wanted),
};
SIDES.empty = SIDES.foreign;
SIDES.helo = SIDES.foreign;

function page(guide, side, seen, wanted, language) {
	const choices = {
		tls: side.tls ?? "optional", auth: Boolean(side.auth), foreign: false,
		plain: side.plain, port: side.port,
	};
	const values = {
		...wanted, host: seen.host, helo: wanted.helo ?? seen.helo,
		address: seen.address, user: wanted.user ?? seen.user, ...side.values,
	};
	return render(guide, choices, values, language);
}

/* Blocks by what they are for: the same file, the same kind of command. */
function blocks(p) {
	const out = new Map();
	for (const { code, role } of p.steps) {
		if (!code || role === "test")
			continue;
		const block = out.get(code.head)
			?? { head: code.head, file: code.file, lines: [] };
		block.lines.push(...code.text.split("\n").filter(Boolean));
		out.set(code.head, block);
	}
	return out;
}

/* A command that was run is no line that could be taken out. */
function differences(before, after) {
	const old = blocks(before);
	return [...blocks(after).values()].map(({ head, file, lines }) => {
		const was = old.get(head)?.lines ?? [];
		return {
			head, file, plus: lines.filter((x) => !was.includes(x)),
			minus: file ? was.filter((x) => !lines.includes(x)) : [],
		};
	}).filter((c) => c.plus.length || c.minus.length);
}

/* Acts at windows and panels: those of the new page that the old one lacks. */
function new_steps(before, after) {
	const old = new Set((before.steps).map((s) => s.text));
	return after.steps.filter((s) => !s.code && s.role === "setup"
		&& !old.has(s.text)).map((s) => s.text);
}

export function advice(guide, cause, seen, wanted, language) {
	const sides = SIDES[cause]?.(seen, wanted);
	if (!sides)
		return null;
	const [before, after] = sides.map((side) =>
		page(guide, side, seen, wanted, language));
	const changes = differences(before, after);
	const steps = new_steps(before, after);
	const reload = after.steps.find((s) => s.role === "reload") ?? null;
	if (!after.cannot && !changes.length && !steps.length)
		return null;
	return {
		title: after.title, cannot: after.cannot, changes, steps, reload,
		closing: after.closing,
	};
}
