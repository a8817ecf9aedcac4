// EHLO names that any server may have: they tell nobody apart.
export function generic_name(name, relay) {
	const plain = name.toLowerCase().replace(/\.$/, '');
	return plain === relay?.toLowerCase() || plain.startsWith('[') || !plain.includes('.') ||
		/^localhost(\.|$)|\.(local|localdomain|lan|internal|home)$/.test(plain) || /^\d+(\.\d+){3}$/.test(plain);
}
