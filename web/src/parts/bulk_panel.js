// Acting on many messages: choose the act, see what will happen and whom it is
// made up of, then a button that repeats verb and count. Deleting and returning
// are held back for 30 s; over 100 the count is typed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { api, of } from '../api.js';
import { attempt, tell } from '../status.js';
import { t, num, clock, duration } from '../words.js';
import { use_look, Look } from '../look.js';
import { Note } from './note.js';
import { Table } from './table.js';
import { TextField } from './field.js';

const grace_ms = 30000;
const type_over = 100;
const final = ['remove'];
const acts = ['retry', 'hold', 'release', 'remove'];

// selection: as the API takes it; what: words for it; count: as the page knows it.
export function BulkPanel({ customer, selection, what, count, aside, done, clear }) {
	const [act, set_act] = useState(acts[0]);
	const heading = useRef();
	const key = JSON.stringify(selection);
	useEffect(() => { heading.current?.focus({ preventScroll: true }); }, []);
	const look = use_look(`${act} ${key}`, (signal) =>
		api.post(of(customer, 'queue', 'preview'), { act, selection }, { signal }));
	return html`<section class="card edge-accent bulk" aria-labelledby="bulk-title">
		<div class="card-head"><h2 id="bulk-title" tabindex="-1" ref=${heading}>${t('queue.selected', { n: count, what })}</h2>
			<span class="actions">${aside}<button class="button quiet" onClick=${clear}>${t('queue.unselect')}</button></span></div>
		<div class="actions" role="group" aria-label=${t('queue.acts')}>${acts.map((a) => html`<button key=${a} type="button"
			class=${`button ${final.includes(a) ? 'danger' : ''} ${a === act ? 'chosen' : ''}`} aria-pressed=${a === act}
			onClick=${() => set_act(a)}>${t(`queue.act_${a}`)}${final.includes(a) ? '…' : ''}</button>`)}</div>
		<${Look} of=${look} rows=${4}>${(preview) => html`<${Preview} key=${act} act=${act} preview=${preview}
			run=${() => begin(customer, act, selection, preview, done)} />`}<//>
	</section>`;
}

function Preview({ act, preview, run }) {
	const [typed, set_typed] = useState('');
	const n = preview.count;
	const must_type = final.includes(act) && n > type_over;
	const ready = n > 0 && (!must_type || typed.replace(/\D/g, '') === String(n));
	return html`<div class="pair">
		<div><h3>${t('queue.will_happen')}</h3><ul class="plain-list">
			<li>${t(`queue.will_${act}`, { n })}</li>
			${preview.empty_senders > 0 && html`<li>${t('queue.empty_senders', { n: preview.empty_senders })}</li>`}
			${act === 'remove' && html`<li>${t('queue.remove_final')}</li>`}</ul>
			${(preview.doubts ?? []).map((d) => html`<${Note} kind="note" key=${d.code}>${t(`queue.doubt_${d.code}`, {
				time: clock(d.at ?? d.since), n: d.n })}<//>`)}</div>
		<${MadeUp} rows=${preview.by_sender ?? []} /></div>
		${must_type && html`<${TextField} label=${t('queue.type_count', { n })} inputmode="numeric" autocomplete="off"
			value=${typed} onValue=${set_typed} />`}
		<p class="actions"><button class=${`button ${final.includes(act) ? 'danger' : 'primary'}`} disabled=${!ready} onClick=${run}>
			${t(`queue.run_${act}`, { n })}</button>
			${final.includes(act) && html`<span class="hint">${t('queue.held_back')}</span>`}</p>`;
}

function MadeUp({ rows }) {
	const columns = [
		{ key: 'from', title: t('messages.by_from'), head: true, cell: (r) => r.from || t('queue.empty_sender') },
		{ key: 'count', title: t('queue.messages'), num: true, cell: (r) => num(r.count) },
		{ key: 'oldest', title: t('queue.oldest'), num: true, cell: (r) => r.oldest_at &&
			duration(Date.now() - Date.parse(r.oldest_at)) },
	];
	return rows.length > 0 && html`<div><h3>${t('queue.made_up')}</h3>
		<${Table} name=${t('queue.made_up')} dense columns=${columns} rows=${rows} row_key=${(r) => r.from} /></div>`;
}

// Final acts wait so long that they can be taken back; the others begin at once.
function begin(customer, act, selection, preview, done) {
	if (!final.includes(act)) {
		run(customer, act, selection, done);
		return;
	}
	const timer = setTimeout(() => run(customer, act, selection, done), grace_ms);
	tell(t(`queue.soon_${act}`, { n: preview.count }), { kind: 'warn', label: t('act.cancel'), undo_ms: grace_ms - 500,
		undo: () => { clearTimeout(timer); tell(t('queue.nothing_done')); } });
	done();
}

async function run(customer, act, selection, done) {
	await attempt(() => api.post(of(customer, 'queue', 'acts'), { act, selection }),
		{ then: (answer) => { done(); tell(t(`queue.done_${act}`, { n: answer.messages })); } });
}
