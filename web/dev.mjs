// A server for who works on the pages: serves build/web and hands /api/ on to
// a running console. node dev.mjs [--api http://127.0.0.1:8080] [--port 5173]
// [--fixtures FILE]: a module whose default export answers (method, path,
// query, body) → {status, body} in its place.
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: option } = parseArgs({ options: {
	api: { type: 'string' }, fixtures: { type: 'string' },
	port: { type: 'string', default: '5173' },
	web: { type: 'string',
		default: fileURLToPath(new URL('../build/web', import.meta.url)) },
} });
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript',
	'.css': 'text/css', '.svg': 'image/svg+xml' };
const policy = "default-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const answer = option.fixtures &&
	(await import(pathToFileURL(path.resolve(option.fixtures)))).default;

function send_file(url, response) {
	const asset = /^\/assets\/[\w.-]+$/.test(url.pathname);
	const file = path.join(option.web, asset ? url.pathname : 'index.html');
	if (!fs.existsSync(file))
		return response.writeHead(404).end();
	response.writeHead(200, { 'Content-Type': types[path.extname(file)],
		'Content-Security-Policy': policy });
	fs.createReadStream(file).pipe(response);
}

function hand_on(request, response) {
	const to = new URL(request.url, option.api);
	const further = http.request(to, { method: request.method,
		headers: { ...request.headers, host: to.host } }, (back) => {
		response.writeHead(back.statusCode, back.headers);
		back.pipe(response);
	});
	further.on('error', () => response.writeHead(503).end());
	request.pipe(further);
}

async function from_fixtures(request, url, response) {
	let text = '';
	for await (const chunk of request)
		text += chunk;
	const { status = 200, body, type = 'application/json' } = await answer(request.method,
		url.pathname.replace('/api/v1', ''), url.searchParams,
		text ? JSON.parse(text) : null, request.headers);
	response.writeHead(status, { 'Content-Type': type });
	if (type === 'text/event-stream')
		response.write(body);
	else
		response.end(body === undefined ? '' : JSON.stringify(body));
}

http.createServer((request, response) => {
	const url = new URL(request.url, 'http://localhost');
	if (!url.pathname.startsWith('/api/'))
		send_file(url, response);
	else if (answer)
		from_fixtures(request, url, response);
	else
		hand_on(request, response);
}).listen(Number(option.port), '127.0.0.1', () =>
	console.log(`http://127.0.0.1:${option.port}/`));
