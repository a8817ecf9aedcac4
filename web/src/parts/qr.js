// A QR code as SVG: dark on white in both colour schemes, so that cameras read it.
import qrcode from 'qrcode-generator';
import { html } from '../html.js';

const quiet = 4;        // modules of white around it

export function Qr({ text, label }) {
	const code = qrcode(0, 'M');
	code.addData(text);
	code.make();
	const n = code.getModuleCount();
	const size = n + 2 * quiet;
	let path = '';
	for (let y = 0; y < n; y++)
		for (let x = 0; x < n; x++)
			if (code.isDark(y, x))
				path += `M${x + quiet} ${y + quiet}h1v1h-1z`;
	return html`<svg class="qr" role="img" aria-label=${label} viewBox=${`0 0 ${size} ${size}`}>
		<rect width=${size} height=${size} fill="#fff" /><path d=${path} fill="#000" /></svg>`;
}
