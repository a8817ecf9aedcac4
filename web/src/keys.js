// Key shortcuts, off when the account says so: "/" to the search field.
import { session } from './session.js';

function typing(target) {
	return target.closest?.('input, textarea, select, [contenteditable]');
}

export function start_keys() {
	document.addEventListener('keydown', (event) => {
		if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey ||
		    typing(event.target) || session.value?.shortcuts === false)
			return;
		const field = document.getElementById('search');
		if (field) {
			event.preventDefault();
			field.focus();
		}
	});
}
