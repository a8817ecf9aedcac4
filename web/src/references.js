// References are written in groups of four, so that they can be read out.
export function grouped_reference(text) {
	return (text ?? '').replaceAll('-', '').toUpperCase().replace(/(.{4})(?=.)/g, '$1-');
}

export function plain_reference(text) {
	return (text ?? '').replaceAll('-', '').toLowerCase();
}
