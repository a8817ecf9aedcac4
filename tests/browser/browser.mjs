// What the tests of pages share: Chromium, a page that counts what must not
// happen (errors in the console, requests elsewhere, calls of the API that
// fail), axe, and results.
import { chromium } from 'playwright-core';
import axe from 'axe-core';
import { check } from './results.mjs';

export { check, finish, results } from './results.mjs';

const wait_ms = 8000;
// Calls that may fail: who isn't signed in yet; a setting without a draft.
const may_fail = [/^GET \/session 401$/, /^GET \/customers\/[^/]+\/drafts\/[^/]+ 404$/];
const axe_tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export async function launch() {
	return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

// A page of one reader: {language, width, scheme}; trouble is kept in `trouble`.
export async function open_page(browser, base, { language = 'en', width = 1280, height = 900,
	scheme = 'light', state } = {}) {
	const context = await browser.newContext({ baseURL: base, storageState: state,
		locale: language === 'ja' ? 'ja-JP' : 'en-GB', timezoneId: 'Asia/Tokyo',
		colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce',
		ignoreHTTPSErrors: true });
	const page = await context.newPage();
	page.setDefaultTimeout(wait_ms);
	page.trouble = [];
	page.expected = [];             // further calls that may fail: "GET /path 404" fits
	page.on('console', (m) => {
		// An answer 4xx or 5xx is looked at below; the browser logs each.
		if (['error', 'warning'].includes(m.type()) && !/^Failed to load resource/.test(m.text()))
			page.trouble.push(`console: ${m.text()}`);
	});
	page.on('pageerror', (e) => page.trouble.push(`error: ${e.message}`));
	page.on('request', (r) => {
		if (!r.url().startsWith(base) && !r.url().startsWith('data:'))
			page.trouble.push(`request to ${r.url()}`);
	});
	page.on('response', (r) => {
		const call = `${r.request().method()} ${new URL(r.url()).pathname.replace('/api/v1', '')} ${r.status()}`;
		if (r.status() >= 400 && !page.expected.concat(may_fail).some((fits) => fits.test(call)))
			page.trouble.push(`answer: ${call} ${new URL(r.url()).search}`);
	});
	return page;
}

// What axe finds. It is put into a document once: it is large, and links of the
// console don't leave the document.
async function judge(page) {
	if (!await page.evaluate(() => 'axe' in window))
		await page.evaluate(axe.source);
	return page.evaluate((options) => window.axe.run(document, options).then((r) => r.violations
		.map((v) => ({ id: v.id, nodes: v.nodes.map((n) => ({ target: n.target })) }))),
	{ resultTypes: ['violations'], runOnly: { type: 'tag', values: axe_tags } });
}

// What holds for every page that is open: language, one heading, nothing wrong
// by axe, no sideways scroll, no trouble.
export async function check_page(page, name, language, { axe: judged = true } = {}) {
	const facts = await page.evaluate(() => ({
		lang: document.documentElement.lang,
		headings: document.querySelectorAll('h1').length,
		wide: document.documentElement.scrollWidth - innerWidth,
		title: document.title,
	}));
	check(`${name}: lang`, facts.lang === language, facts.lang);
	check(`${name}: one h1`, facts.headings === 1, String(facts.headings));
	check(`${name}: no sideways scroll`, facts.wide <= 0, String(facts.wide));
	const violations = judged ? await judge(page) : [];
	check(`${name}: axe`, violations.length === 0, violations.map((v) =>
		`${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`).join(' | '));
	check(`${name}: no trouble`, page.trouble.length === 0, page.trouble.join(' | '));
	page.trouble = [];
}
