// The one line at the top of a page that tells what an act has done, with Undo
// where there is one. tell() replaces what stood there; a new page clears it.
import { signal } from '@preact/signals';

export const told = signal(null);

let timer = null;

// {text, kind: ok|refused|warn, undo: function, undo_ms}
export function tell(text, { kind = 'ok', undo = null, undo_ms = 10000, label = null } = {}) {
	clearTimeout(timer);
	told.value = { text, kind, undo, label, ends_at: undo ? Date.now() + undo_ms : null };
	if (undo)
		timer = setTimeout(() => {
			told.value = told.value && { ...told.value, undo: null };
		}, undo_ms);
}

export function tell_problem(problem) {
	tell(problem.detail ?? problem.message, { kind: 'refused' });
}

// Does what() and then(answer), and tells `said` (text), with Undo; a Problem is
// told instead. True: it was done.
export async function attempt(what, { said, undo, then } = {}) {
	try {
		const answer = await what();
		then?.(answer);
	} catch (problem) {
		tell_problem(problem);
		return false;
	}
	if (said)
		tell(said, { undo });
	return true;
}

export function clear_told() {
	clearTimeout(timer);
	told.value = null;
}
