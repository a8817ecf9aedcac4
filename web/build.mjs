// Bundles the console: node build.mjs OUTDIR writes index.html and
// assets/NAME-HASH.{js,css,svg}. The same sources give the same bytes.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, '../build/web'));

async function bundle() {
	const result = await build({
		absWorkingDir: here,
		entryPoints: { app: 'src/main.js', style: 'css/app.css' },
		outdir: out,
		bundle: true,
		splitting: true,
		format: 'esm',
		minify: true,
		charset: 'utf8',
		metafile: true,
		target: ['chrome111', 'firefox115', 'safari16.4'],
		publicPath: '/',
		entryNames: 'assets/[name]-[hash]',
		chunkNames: 'assets/[name]-[hash]',
		assetNames: 'assets/[name]-[hash]',
		loader: { '.svg': 'file' },
		legalComments: 'none',
		logLevel: 'warning',
	});
	return result.metafile.outputs;
}

function web_path(file) {
	return '/' + path.relative(out, path.resolve(here, file));
}

function entry(outputs, source) {
	const found = Object.entries(outputs)
		.find(([, o]) => o.entryPoint === source);
	return { path: web_path(found[0]), imports: found[1].imports };
}

function index_page(outputs) {
	const app = entry(outputs, 'src/main.js');
	const style = entry(outputs, 'css/app.css');
	const preload = app.imports
		.filter((i) => i.kind === 'import-statement')
		.map((i) => `<link rel="modulepreload" href="${web_path(i.path)}">`);
	return fs.readFileSync(path.join(here, 'index.html'), 'utf8')
		.replace('<!--style-->', `<link rel="stylesheet" href="${style.path}">`)
		.replace('<!--icon-->',
			`<link rel="icon" type="image/svg+xml" href="${own_icon()}">`)
		.replace('<!--app-->', [...preload,
			`<script type="module" src="${app.path}"></script>`].join('\n'));
}

// The browser's icon stands in no script; it gets its hash here.
function own_icon() {
	const bytes = fs.readFileSync(path.join(here, 'icon.svg'));
	const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
	fs.writeFileSync(path.join(out, `assets/icon-${hash}.svg`), bytes);
	return `/assets/icon-${hash}.svg`;
}

fs.rmSync(out, { recursive: true, force: true });
const outputs = await bundle();
fs.writeFileSync(path.join(out, 'index.html'), index_page(outputs));
