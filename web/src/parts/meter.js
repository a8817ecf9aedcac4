// How much of a limit is used: a bar with the mark of the alert at 80 %, a
// lighter end for what is in progress, hatched from 80 % on. All by attributes
// of SVG: the pages allow no style attributes.
import { useId } from 'preact/hooks';
import { html } from '../html.js';
import { percent } from '../words.js';

const alert_percent = 80;

export function Meter({ label, used, reserved = 0, limit, tall }) {
	const id = useId();
	const part = (n) => limit ? Math.min(100, n * 100 / limit) : 0;
	const near = part(used) >= alert_percent;
	return html`<svg class=${`meter ${near ? 'near' : ''} ${tall ? 'tall' : ''}`} role="meter"
		aria-label=${label} aria-valuemin="0" aria-valuemax=${limit} aria-valuenow=${used}
		aria-valuetext=${percent(used, limit)} width="100%">
		<defs><pattern id=${id} width="10" height="10" patternUnits="userSpaceOnUse"
			patternTransform="rotate(45)"><rect class="meter-hatch" width="4" height="10" /></pattern></defs>
		<rect class="meter-all" width="100%" height="100%" rx="3" />
		<rect class="meter-reserved" width=${`${part(used)}%`} height="100%" rx="3" />
		<rect class="meter-fill" width=${`${part(used - reserved)}%`} height="100%" rx="3" />
		${near && html`<rect fill=${`url(#${id})`} width=${`${part(used - reserved)}%`} height="100%" rx="3" />`}
		<line class="meter-alert" x1=${`${alert_percent}%`} x2=${`${alert_percent}%`} y1="0" y2="100%" />
	</svg>`;
}
