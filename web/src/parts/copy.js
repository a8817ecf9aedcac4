// A Copy button, and code with one. Where the browser forbids the clipboard
// the text is selected instead, ready for the keys.
import { useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../words.js';
import { Icon } from './icon.js';

export function Copy({ text, label, select }) {
	const [done, set_done] = useState(false);
	const copy = async () => {
		try {
			await navigator.clipboard.writeText(text);
			set_done(true);
			setTimeout(() => set_done(false), 2000);
		} catch {
			select?.();
		}
	};
	return html`<button type="button" class="button small" onClick=${copy}>
		<${Icon} name=${done ? 'check' : 'copy'} />
		<span aria-live="polite">${done ? t('act.copied') : label ?? t('act.copy')}</span></button>`;
}

// A block of code: never wrapped, it scrolls; `name` heads it.
export function Code({ text, name, children }) {
	const box = useRef();
	const select = () => getSelection().selectAllChildren(box.current);
	return html`<div class="code"><div class="code-head"><span>${name}</span>
		<${Copy} text=${text} select=${select} /></div>
		<pre ref=${box} tabindex="0" role="group" aria-label=${name}><code>${children ?? text}</code></pre></div>`;
}

// One reply as it was sent.
export function Reply({ text, class: more = '' }) {
	return html`<code class=${`reply ${more}`}>${text}</code>`;
}
