// What the tests of pages share: Chromium, a page that counts what must not
// happen (errors in the console, requests elsewhere), axe, and results.
import { chromium } from 'playwright-core';
import AxeBuilder from '@axe-core/playwright';
import { check } from './results.mjs';

export { check, finish, results } from './results.mjs';

const wait_ms = 15000;
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
	page.on('console', (m) => {
		// An answer 4xx or 5xx is what some pages are about; the browser logs each.
		if (['error', 'warning'].includes(m.type()) && !/^Failed to load resource/.test(m.text()))
			page.trouble.push(`console: ${m.text()}`);
	});
	page.on('pageerror', (e) => page.trouble.push(`error: ${e.message}`));
	page.on('request', (r) => {
		if (!r.url().startsWith(base) && !r.url().startsWith('data:'))
			page.trouble.push(`request to ${r.url()}`);
	});
	return page;
}

// What holds for every page that is open: language, one heading, nothing wrong
// by axe, no sideways scroll, no trouble.
export async function check_page(page, name, language, { axe = true } = {}) {
	const facts = await page.evaluate(() => ({
		lang: document.documentElement.lang,
		headings: document.querySelectorAll('h1').length,
		wide: document.documentElement.scrollWidth - innerWidth,
		title: document.title,
	}));
	check(`${name}: lang`, facts.lang === language, facts.lang);
	check(`${name}: one h1`, facts.headings === 1, String(facts.headings));
	check(`${name}: no sideways scroll`, facts.wide <= 0, String(facts.wide));
	const { violations } = axe ? await new AxeBuilder({ page }).options({ resultTypes: ['violations'],
		runOnly: { type: 'tag', values: axe_tags } }).analyze() : { violations: [] };
	check(`${name}: axe`, violations.length === 0, violations.map((v) =>
		`${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`).join(' | '));
	check(`${name}: no trouble`, page.trouble.length === 0, page.trouble.join(' | '));
	page.trouble = [];
}
