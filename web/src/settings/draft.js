// A relay setting being edited (CONSOLE.md section 6): what is in force, what
// was typed, and what is wrong with it. Kept on the server 1 s after the last
// key; checked on leaving a field, and 400 ms after a key once it was left, by
// the same code as the API. Never in force until save().
import { signal, computed } from '@preact/signals';
import { api, of, Problem } from '../api.js';

const keep_ms = 1000;
const check_ms = 400;

// What a setting begins with; the members that may be edited.
const first = { description: '', allowed_senders: 'registered-users', ip_only: false,
	require_auth: false, require_tls: false, enabled: true, ip_entries: [] };
const own_members = [...Object.keys(first), 'line_ends'];
const entry_members = ['range', 'description', 'enabled', 'legacy_tls_until'];

export function new_id() {
	return `new-${Math.random().toString(36).slice(2, 10)}`;
}

function is_new(id) {
	return id.startsWith('new-');
}

function pick(from, members) {
	return Object.fromEntries(members.filter((m) => from[m] !== undefined && from[m] !== null)
		.map((m) => [m, from[m]]));
}

// Only what a draft holds, in one order: two that are alike have the same text.
export function plain(setting) {
	return { ...first, ...pick(setting, own_members),
		ip_entries: (setting.ip_entries ?? []).map((e) => ({ enabled: true, ...pick(e, entry_members) })) };
}

export class Draft {
	value = signal(null);           // the setting as it is typed
	live = signal(null);            // the one in force, or null: a new one
	kept_at = signal(null);
	kept_by = signal(null);
	problems = signal([]);          // {field, code, message, values, fixes, severity}
	saving = signal(false);
	conflict = signal(null);        // the setting that somebody saved meanwhile
	#left = new Set();
	#etag = null;
	#timers = {};

	changed = computed(() => this.value.value !== null &&
		JSON.stringify(this.value.value) !== JSON.stringify(this.live.value ? plain(this.live.value) : plain({})));

	constructor(customer, id) {
		this.customer = customer;
		this.id = id;
	}

	get fresh() {
		return is_new(this.id);
	}

	async load(options) {
		const [live, draft] = await Promise.all([
			this.fresh ? null : api.get(of(this.customer, 'settings', this.id), options),
			api.get(of(this.customer, 'drafts', this.id), options).catch(none_found)]);
		this.live.value = live;
		this.#etag = live?.etag ?? null;
		this.value.value = plain(draft?.setting ?? live ?? {});
		this.kept_at.value = draft?.at ?? null;
		this.kept_by.value = draft?.by ?? null;
		if (draft)
			await this.check();
		return this;
	}

	set(changes) {
		this.value.value = { ...this.value.value, ...changes };
		this.#later('keep', keep_ms, () => this.keep());
		if (this.#left.size > 0)
			this.#later('check', check_ms, () => this.check());
	}

	set_entry(i, changes) {
		this.set({ ip_entries: this.value.value.ip_entries.map((e, k) => k === i ? { ...e, ...changes } : e) });
	}

	add_entries(entries) {
		this.set({ ip_only: true, ip_entries: [...this.value.value.ip_entries, ...entries.map((e) => ({ enabled: true, description: '', ...e }))] });
	}

	remove_entry(i) {
		this.set({ ip_entries: this.value.value.ip_entries.filter((_, k) => k !== i) });
		this.check();
	}

	left(field) {
		this.#left.add(field);
		this.#later('check', 0, () => this.check());
	}

	#later(what, ms, act) {
		this.#cancel(what);
		this.#timers[what] = setTimeout(act, ms);
	}

	#cancel(...whats) {
		for (const what of whats) {
			clearTimeout(this.#timers[what]);
			delete this.#timers[what];
		}
	}

	// The page is left: what was typed last is kept.
	stop() {
		if (this.#timers.keep !== undefined && this.changed.value)
			this.keep();
		this.#cancel('keep', 'check');
	}

	async keep() {
		this.#cancel('keep');
		await api.put(of(this.customer, 'drafts', this.id), { setting: this.value.value });
		this.kept_at.value = new Date().toISOString();
	}

	async check() {
		try {
			const answer = await api.post(of(this.customer, 'settings', 'check'),
				{ setting: this.value.value, ...(this.fresh ? {} : { id: this.id }) });
			this.problems.value = noted(answer.items, this.value.value);
		} catch (problem) {
			if (!(problem instanceof Problem) || problem.errors.length === 0)
				throw problem;
			this.problems.value = problem.errors;
		}
		return this.errors.length === 0;
	}

	get errors() {
		return this.problems.value.filter((p) => p.severity !== 'warning');
	}

	// 'saved', 'wrong' (problems say what) or 'conflict'; anything else throws.
	async save() {
		this.#cancel('keep', 'check');
		this.saving.value = true;
		try {
			const body = { setting: this.value.value, draft: this.id };
			const answer = this.fresh ? await api.post(of(this.customer, 'settings'), body)
				: await api.put(of(this.customer, 'settings', this.id), body, { etag: this.#etag });
			return { outcome: 'saved', text: answer?.text };
		} catch (problem) {
			if (problem.status === 412)
				return this.#changed_meanwhile(problem);
			if (!problem.errors?.length)
				throw problem;
			this.problems.value = problem.errors;
			return { outcome: 'wrong' };
		} finally {
			this.saving.value = false;
		}
	}

	async #changed_meanwhile(problem) {
		await this.keep();
		this.conflict.value = await api.get(of(this.customer, 'settings', this.id));
		return { outcome: 'conflict', text: problem.detail };
	}

	// After a conflict: the members of `from` ('theirs' or 'mine') for each field.
	settle(chosen) {
		const theirs = plain(this.conflict.value);
		const merged = Object.fromEntries(Object.entries(this.value.value)
			.map(([m, v]) => [m, chosen[m] === 'theirs' ? theirs[m] : v]));
		this.#etag = this.conflict.value.etag;
		this.live.value = this.conflict.value;
		this.conflict.value = null;
		this.set(merged);
	}

	async discard() {
		this.#cancel('keep', 'check');
		await api.remove(of(this.customer, 'drafts', this.id)).catch(none_found);
	}
}

function none_found(problem) {
	if (problem.status !== 404)
		throw problem;
	return null;
}

// Notes of a check that found nothing wrong, at the entries they are about.
function noted(rows, setting) {
	return (rows ?? []).filter((r) => r.what === 'note').map((note) => {
		const range = note.values?.[0];
		const i = setting.ip_entries.findIndex((e) => e.range && range &&
			(e.range === range || `${e.range}/32` === range || `${e.range}/128` === range));
		return { severity: 'warning', code: note.code, message: note.text, values: note.values, fixes: [],
			field: i < 0 ? '' : `ip_entries.${i}.range` };
	});
}

// Fields that differ, as [member, before, after].
export function differences(before, after) {
	const a = plain(before ?? {});
	const b = plain(after);
	return Object.keys(b).filter((m) => m !== 'ip_entries' && a[m] !== b[m]).map((m) => [m, a[m], b[m]]);
}

// Entries by range: [{sign: '+', '-', '~', entry}].
export function entry_differences(before, after) {
	const was = new Map((before?.ip_entries ?? []).map((e) => [e.range, e]));
	const out = [];
	for (const e of plain(after).ip_entries) {
		const old = was.get(e.range) ?? was.get(`${e.range}/32`) ?? was.get(`${e.range}/128`);
		if (!old)
			out.push({ sign: '+', entry: e });
		else if (old.description !== e.description || old.enabled !== e.enabled)
			out.push({ sign: '~', entry: e });
		was.delete(old?.range);
	}
	for (const e of was.values())
		out.push({ sign: '-', entry: e });
	return out;
}
