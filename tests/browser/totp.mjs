// A code of an authentication app (RFC 6238, SHA-1, 30 s, 6 digits).
import { createHmac } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function from_base32(text) {
	let bits = '';
	for (const c of text.toUpperCase().replace(/[^A-Z2-7]/g, ''))
		bits += alphabet.indexOf(c).toString(2).padStart(5, '0');
	const bytes = bits.match(/.{8}/g) ?? [];
	return Buffer.from(bytes.map((b) => parseInt(b, 2)));
}

export function totp(secret, at_ms = Date.now()) {
	const count = Buffer.alloc(8);
	count.writeBigUInt64BE(BigInt(Math.floor(at_ms / 30000)));
	const mac = createHmac('sha1', from_base32(secret)).update(count).digest();
	const n = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
	return String(n % 1000000).padStart(6, '0');
}
