// Something shown of the API, and how it comes to be shown again: use_look(ask,
// deps) asks when its deps change and again when asked to (reload, live
// events); what was shown stays while the new answer is on its way. <Look>
// draws the states all pages share (CONSOLE.md section 3).
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { html } from './html.js';
import { t } from './words.js';
import { Note } from './parts/note.js';
import { NotFound } from './parts/not_found.js';

const show_bars_ms = 200;
const say_slow_ms = 3000;

class Looking {
	data = signal(undefined);
	problem = signal(null);
	waiting = signal('');           // '', 'bars', 'slow', 'stopped'
	at = signal(null);              // when the data came
	#stop = null;
	#timers = [];

	async ask(question) {
		this.cancel();
		const stop = this.#stop = new AbortController();
		if (this.data.peek() === undefined)
			this.#wait();
		try {
			const data = await question(stop.signal);
			if (stop.signal.aborted)
				return;
			this.data.value = data;
			this.problem.value = null;
			this.at.value = Date.now();
		} catch (problem) {
			if (stop.signal.aborted)
				return;
			this.problem.value = problem;
		}
		this.#done('');
	}

	#wait() {
		this.waiting.value = '';
		this.#timers = [
			setTimeout(() => { this.waiting.value = 'bars'; }, show_bars_ms),
			setTimeout(() => { this.waiting.value = 'slow'; }, say_slow_ms),
		];
	}

	#done(state) {
		this.#timers.forEach(clearTimeout);
		this.waiting.value = state;
	}

	cancel(state = '') {
		this.#stop?.abort();
		this.#done(state);
	}

	forget() {
		this.data.value = undefined;
		this.problem.value = null;
	}
}

// ask(abort_signal) → promise. key: a text; when it changes the data are of
// something else and go. again: values whose change asks once more in place.
export function use_look(key, ask, again = []) {
	const look = useMemo(() => new Looking(), []);
	const shown = useRef(key);
	look.reload = () => look.ask(ask);
	useEffect(() => {
		if (shown.current !== key) {
			shown.current = key;
			look.forget();
		}
		look.ask(ask);
	}, [key, ...again]);
	useEffect(() => () => look.cancel(), []);
	return look;
}

// Draws children(data) once there are data; until then bars of `rows` lines.
// optional: what the service has no function for is absent, not an error.
export function Look({ of: look, rows = 4, optional, children }) {
	const data = look.data.value;
	const problem = look.problem.value;
	if (optional && problem?.status === 404)
		return null;
	if (problem && (data === undefined || problem.status === 404))
		return html`<${Trouble} problem=${problem} reload=${look.reload} />`;
	if (data === undefined)
		return html`<${Waiting} look=${look} rows=${rows} />`;
	return children(data);
}

function Waiting({ look, rows }) {
	const state = look.waiting.value;
	if (state === '')
		return html`<div class=${`bars bars-${Math.min(rows, 8)}`}></div>`;
	if (state === 'stopped')
		return html`<${Note} kind="note"
			actions=${html`<button class="button" onClick=${look.reload}>
				${t('error.reload')}</button>`}>${t('loading.stopped')}<//>`;
	return html`<div class=${`bars bars-${Math.min(rows, 8)}`} aria-busy="true">
		${Array.from({ length: Math.min(rows, 8) }, () => html`<i></i>`)}
		${state === 'slow' && html`<p class="bars-say" role="status">
			${t('loading.slow')} <button class="button small"
			onClick=${() => look.cancel('stopped')}>${t('loading.stop')}</button></p>`}
	</div>`;
}

// What is shown in place of the part that failed; the rest works on.
export function Trouble({ problem, reload }) {
	if (problem.status === 404)
		return html`<${NotFound} />`;
	if (problem.status === 403)
		return html`<${Note} kind="off" title=${t('error.no_permission')}>
			${problem.detail}<//>`;
	return html`<${Note} kind="refused" title=${t('error.not_shown')} alert
		actions=${reload && html`<button class="button" onClick=${reload}>
			${t('error.reload')}</button>`}>
		${problem.detail}
		${problem.audit && html`<small class="mono">${problem.audit}</small>`}<//>`;
}
