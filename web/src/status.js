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

export function clear_told() {
	clearTimeout(timer);
	told.value = null;
}
