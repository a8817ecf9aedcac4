// Form pieces: label above, hint below, error under the hint's place, tied by
// aria-describedby. fixes: [{label, value}] become buttons that fill the field.
import { useId } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../words.js';
import { Icon } from './icon.js';

function described(id, hint, error) {
	return [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
}

export function FieldError({ id, error, onFix }) {
	if (!error)
		return null;
	return html`<div class="field-error" id=${id}>
		<${Icon} name=${error.severity === 'warning' ? 'triangle' : 'octagon'} />
		<div><span>${error.message ?? error}</span>
		${error.fixes?.length > 0 && html`<div class="fixes">${error.fixes.map((fix) => html`
			<button type="button" class="button small" onClick=${() => onFix?.(fix)}>${fix.label}</button>`)}</div>`}
		</div></div>`;
}

// input: further attributes of the input; onValue(text).
export function TextField({ label, hint, error, required, mono, value, onValue, onFix,
	type = 'text', id: given, hide_label, grow, ...input }) {
	const made = useId();
	const id = given ?? made;
	return html`<div class=${`field ${grow ? 'grow' : ''}`}>
		<label for=${id} class=${hide_label ? 'unseen' : ''}>${label}
			${required && html` <span class="required">${t('field.required')}</span>`}</label>
		<input id=${id} type=${type} class=${mono ? 'mono' : ''} value=${value}
			required=${required} aria-invalid=${error && error.severity !== 'warning' ? 'true' : undefined}
			aria-describedby=${described(id, hint, error)}
			onInput=${(e) => onValue?.(e.currentTarget.value)} ...${input} />
		${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
		<${FieldError} id=${`${id}-error`} error=${error} onFix=${onFix} /></div>`;
}

// options: [[value, label]…]
export function SelectField({ label, hint, error, value, options, onValue, hide_label, ...select }) {
	const id = useId();
	return html`<div class="field">
		<label for=${id} class=${hide_label ? 'unseen' : ''}>${label}</label>
		<select id=${id} value=${value} aria-describedby=${described(id, hint, error)}
			onChange=${(e) => onValue(e.currentTarget.value)} ...${select}>
			${options.map(([v, text]) => html`<option value=${v} selected=${v === value}>${text}</option>`)}
		</select>
		${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
		<${FieldError} id=${`${id}-error`} error=${error} /></div>`;
}

// A choice as a bordered row; the chosen one has accent edge and tint.
export function Choice({ type = 'radio', id: given, name, value, checked, label, hint, onPick, disabled, children }) {
	const made = useId();
	const id = given ?? made;
	return html`<div class=${`choice ${checked ? 'chosen' : ''}`}>
		<input type=${type} id=${id} name=${name} value=${value} checked=${checked} disabled=${disabled}
			aria-describedby=${hint ? `${id}-hint` : undefined}
			onChange=${(e) => onPick(type === 'radio' ? value : e.currentTarget.checked)} />
		<div><label for=${id}>${label}</label>
		${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
		${children}</div></div>`;
}

export function Tick({ label, checked, onPick, ...input }) {
	const id = useId();
	return html`<div class="tick"><input type="checkbox" id=${id} checked=${checked}
		onChange=${(e) => onPick(e.currentTarget.checked)} ...${input} />
		<label for=${id}>${label}</label></div>`;
}

// Two or three exclusive words side by side. options: [[value, label]…]
export function Segments({ label, value, options, onValue }) {
	return html`<div class="segments" role="group" aria-label=${label}>${options.map(([v, text, lang]) => html`
		<button type="button" aria-pressed=${v === value} lang=${lang}
			onClick=${() => onValue(v)}>${text}</button>`)}</div>`;
}

// Message of the errors whose field is `name`, from a Problem's errors.
export function error_of(errors, name) {
	return (errors ?? []).find((e) => e.field === name);
}
