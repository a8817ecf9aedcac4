/* A guide with a customer's own values: pure, used as it is by node (docs,
 * tests) and by the console's bundle. What a guide may hold is told in
 * guides/README.md; texts that all guides share are in common.mjs.
 *
 *   render(guide, choices, values, language) → page (see below)
 *
 * choices: { tls: "required" | "optional", auth: bool, foreign: bool } of the
 *   relay setting; port: one of page.ports, or left out. plain: true shows a
 *   server that does not encrypt (only advice.mjs asks for that).
 * values: { host, helo, domain, address, user, password }, all text. A value
 *   that is not known stands as its stand-in, the password above all.
 * In texts `so` (or ``so``, round a backtick) is what is typed, and paths; there
 * is no other mark-up. */
import { common } from "../common.mjs";
import { fits, syntaxes } from "./escape.mjs";

const PLACES = /\{(host|port|user|password|helo|domain|address)\}/g;

export const stand_ins = {
	host: "relay.example.net",
	helo: "mail.example.com",
	domain: "example.com",
	address: "you@example.com",
	user: "you@example.com",
	password: "APP-PASSWORD",
};

/* The ports that suit, the best first (SPEC 1.2, 13). */
export function ports(guide, choices) {
	const can = guide.can.ports ?? [25, 587, 465];
	const order = choices.tls === "required" || choices.auth
		? [587, 465, 25] : [25, 587, 465];
	return order.filter((p) => can.includes(p));
}

/* What a condition may ask for, as words. */
function conditions(guide, choices) {
	const known = ports(guide, choices);
	const port = known.includes(choices.port) ? choices.port : known[0];
	const implicit = port === 465;
	const tls = choices.tls === "required" || Boolean(choices.auth) || implicit;
	return {
		port, ports: known,
		words: {
			tls, implicit,
			required: choices.tls === "required",
			auth: Boolean(choices.auth),
			foreign: Boolean(choices.foreign),
			plain: Boolean(choices.plain),
			port25: port === 25,
		},
	};
}

/* "tls !auth": all must hold. Without a condition it always does. */
export function holds(when, words) {
	return (when ?? "").split(" ").filter(Boolean).every((word) => {
		const name = word.replace("!", "");
		if (!(name in words))
			throw new Error(`no such condition: ${word}`);
		return words[name] !== word.startsWith("!");
	});
}

class Writer {
	constructor(guide, choices, values, language) {
		Object.assign(this, conditions(guide, choices));
		this.guide = guide;
		this.language = language;
		this.values = { ...stand_ins, port: String(this.port) };
		for (const [name, value] of Object.entries(values))
			if (value && name in stand_ins)
				this.values[name] = value;
		for (const [name, value] of Object.entries(this.values))
			if (!fits(value))
				throw new Error(`${name} holds a control character`);
		if (!values.user)
			this.values.user = this.values.address;
	}

	fill(text, value = (t) => t) {
		return text.replace(PLACES, (_, name) => value(this.values[name], name));
	}

	text(both) {
		const said = typeof both === "string" ? both : both[this.language];
		return this.fill(said);
	}

	those(list) {
		return (list ?? []).filter((x) => holds(x.when, this.words));
	}

	texts(list) {
		return this.those(list).map((x) => this.text(x));
	}

	/* Notes of a step: texts, or the names of texts of the whole guide. */
	notes(list) {
		return (list ?? [])
			.map((x) => (typeof x === "string" ? this.guide[x] : x))
			.filter((x) => holds(x.when, this.words))
			.map((x) => this.text(x));
	}

	/* The lines of a block, and why those stand there that depend on the
	 * setting. */
	code(code) {
		const { comment, value } = syntaxes[code.syntax];
		const lines = [];
		const why = [];
		for (const entry of code.lines) {
			const line = typeof entry === "string" ? { line: entry } : entry;
			if (!holds(line.when, this.words))
				continue;
			if (line.line === undefined) {
				lines.push(comment + this.text(line));
				continue;
			}
			lines.push(this.fill(line.line, value));
			if (line.ja)
				why.push(this.text(line));
		}
		const head = code.file ? this.fill(code.file)
			: this.text(code.head ?? common.command);
		return {
			code: {
				head, file: code.file ? head : null, mode: code.mode,
				at: code.at ?? null, private: Boolean(code.private),
				syntax: code.syntax, text: lines.join("\n") + "\n",
			},
			why,
		};
	}

	step(step, number) {
		const made = step.code ? this.code(step.code) : { code: null, why: [] };
		return {
			kind: "step", number, role: step.role ?? "setup",
			text: this.text(step), code: made.code,
			notes: [...made.why, ...this.notes(step.notes)],
		};
	}

	steps(list) {
		return this.those(list).map((s, i) => this.step(s, i + 1));
	}
}

/* Why the setting can't be used with this product, and what can be done. */
function cannot(guide, w) {
	const { can } = guide;
	const lacks = [];
	if (w.words.required && !can.tls)
		lacks.push("tls");
	if (w.words.auth && !can.auth)
		lacks.push("auth");
	if (!lacks.length)
		return null;
	return {
		lacks, text: w.text(guide.cannot),
		instead: w.texts(guide.instead),
		action: w.text(common.make_setting),
	};
}

function abilities(guide, w) {
	return ["tls", "auth", "reuse"].map((name) => ({
		name, label: w.text(common.can[name]),
		able: guide.can[name] !== false && guide.can[name] !== "no",
		text: w.text(guide.can_text?.[name]
			?? (guide.can[name] === false ? common.no : common.yes)),
	}));
}

function about_port(w) {
	if (!w.words.required)
		return w.words.auth ? common.port_auth : common.port_free;
	if (!w.ports.includes(587))
		return common.port_required_25;
	return w.ports.includes(465) ? common.port_required
		: common.port_required_starttls;
}

function port_notes(w) {
	return [about_port(w), w.ports.includes(587) ? common.op25b
		: common.op25b_only_25].map((x) => w.text(x));
}

/* → {
 *   id, title, abilities: [{name, label, able, text}], requires: [text],
 *   cannot: null | {lacks, text, instead: [text], action},
 *   port, ports, port_notes: [text],
 *   steps: [step], fold: {title, open, notes: [text], steps: [step]},
 *   closing, checks: [text ×3]
 * }
 * step: {kind: "step", number, role, text, code, notes: [text]}; role: setup,
 *   reload, test. code: null | {head, file | null, mode, at, private, syntax,
 *   text}; mode: write (the whole file), append, insert (above the first line
 *   that begins with `at`), after (below it), replace (that line), run;
 *   private: not for everybody's eyes.
 * Where cannot is not null there are no steps. */
export function render(guide, choices, values, language) {
	const w = new Writer(guide, choices, values, language);
	const no = cannot(guide, w);
	return {
		id: guide.id, title: w.text(guide.title),
		abilities: abilities(guide, w), requires: w.texts(guide.requires),
		cannot: no, port: w.port, ports: w.ports, port_notes: port_notes(w),
		steps: no ? [] : w.steps(guide.steps),
		fold: {
			title: w.text(common.foreign_title),
			open: w.words.foreign && !w.words.auth,
			notes: w.texts([...common.foreign, ...guide.foreign.notes]),
			steps: no ? [] : w.steps(guide.foreign.steps),
		},
		closing: w.text(common.closing).replaceAll("{product}",
			w.text(guide.title)),
		checks: w.texts(guide.checks),
	};
}
