// Packs a folder of web files into one file for src/console/assets.c:
//   node scripts/pack-web.mjs DIR OUT
// Numbers are little-endian. Head: "PRWEB001", u32 files; a row each: path,
// media type, tag (u32 length and so many bytes each), u8 immutable, u32
// offset and length, u32 offset and length of the gzip form (0 0: none).
// Then the bytes. The same folder gives the same file.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fs from 'node:fs';
import path from 'node:path';

const types = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.css': 'text/css; charset=utf-8',
	'.svg': 'image/svg+xml',
	'.png': 'image/png',
	'.json': 'application/json',
	'.txt': 'text/plain; charset=utf-8',
	'.woff2': 'font/woff2',
};
const [dir, out] = process.argv.slice(2);

function files_below(folder) {
	return fs.readdirSync(folder, { withFileTypes: true })
		.flatMap((e) => e.isDirectory()
			? files_below(path.join(folder, e.name))
			: [path.join(folder, e.name)]);
}

function u32(n) {
	const b = Buffer.alloc(4);
	b.writeUInt32LE(n);
	return b;
}

function bytes32(text) {
	const b = Buffer.from(text);
	return Buffer.concat([u32(b.length), b]);
}

function file_of(name) {
	const bytes = fs.readFileSync(name);
	const type = types[path.extname(name)];
	const url = '/' + path.relative(dir, name).split(path.sep).join('/');
	if (!type)
		throw new Error(`${name}: no media type is known for it`);
	const gzip = gzipSync(bytes, { level: 9 });
	return { url, type, bytes,
		gzip: gzip.length < bytes.length ? gzip : Buffer.alloc(0),
		tag: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
		immutable: url.startsWith('/assets/') };
}

const files = files_below(dir).sort().map(file_of);
const rows_length = files.reduce((n, f) => n + 12 + 17 +
	Buffer.byteLength(f.url) + Buffer.byteLength(f.type) + f.tag.length, 12);
let at = rows_length;
const head = [Buffer.from('PRWEB001'), u32(files.length)];
const body = [];
for (const f of files) {
	head.push(bytes32(f.url), bytes32(f.type), bytes32(f.tag),
		Buffer.from([f.immutable ? 1 : 0]));
	for (const part of [f.bytes, f.gzip]) {
		head.push(u32(part.length ? at : 0), u32(part.length));
		at += part.length;
		body.push(part);
	}
}
fs.writeFileSync(out, Buffer.concat([...head, ...body]));
