// Every page of a running service, once in each language: node pages.mjs FACTS
// [--nightly PICTURES]. FACTS (JSON) is what service.py says: base, link,
// operator_link, customer, message, reference, setting, user, domain.
import fs from 'node:fs';
import path from 'node:path';
import { launch, open_page, check_page, check, finish } from './browser.mjs';
import { enrol, sign_in } from './sign_in.mjs';
import { main_jobs } from './jobs.mjs';

const facts = JSON.parse(process.argv[2]);
const pictures = process.argv[3] === '--nightly' ? process.argv[4] : null;
const languages = ['ja', 'en'];    // the jobs then are done in English
const page_ms = 20000;          // longest that one page may take, axe included
const stuck_most = 3;           // pages that never settle before the rest is left out
let stuck = 0;

// Pages about what isn't there.
const absent = {
	'gone': [/^GET \/customers\/[^/]+\/messages\/\w+ 404$/],
	'foreign': [/^GET \/customers\/somebody-else\//],
	'not-found': [],
};

function customer_pages(f) {
	const c = `/c/${f.customer}`;
	return {
		'overview': `${c}/`, 'messages': `${c}/messages`, 'refused': `${c}/messages?state=refused`,
		'message': `${c}/messages/${f.message}`, 'session': `${c}/sessions/${f.reference}`,
		'queue': `${c}/queue`, 'queue-list': `${c}/queue/list`, 'alerts': `${c}/alerts`,
		'settings': `${c}/settings`, 'setting': `${c}/settings/${f.setting}`, 'new-setting': `${c}/settings/new`,
		'history': `${c}/settings/${f.setting}/history`, 'explain': `${c}/explain?ip=192.0.2.1&helo=x.example.com&from=a@${f.domain}`,
		'limits': `${c}/limits`, 'users': `${c}/users`, 'user': `${c}/users/${f.user}`,
		'domains': `${c}/domains`, 'domain': `${c}/domains/${f.domain}`, 'audit': `${c}/audit`,
		'connect': `${c}/connect`, 'connect-postfix': `${c}/connect/postfix`,
		'account': '/account', 'public': `/r/${f.reference}`, 'not-found': `${c}/nowhere`,
		'gone': `${c}/messages/0mwuxidm3x7bwx0ok8bd`, 'foreign': '/c/somebody-else/messages',
	};
}

const operator_pages = {
	'operator': '/operator', 'operator-customers': '/operator/customers',
	'operator-destinations': '/operator/destinations', 'operator-sharing': '/operator/sharing',
	'operator-operators': '/operator/operators', 'operator-audit': '/operator/audit',
};

// Until nothing is on its way and no part waits.
async function settled(page) {
	await page.waitForSelector('h1');
	await page.waitForFunction(() => !document.querySelector('.bars'));
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

function within(ms, what, promise) {
	let timer;
	return Promise.race([promise, new Promise((_, no) => {
		timer = setTimeout(() => no(new Error(`${what} took over ${ms} ms`)), ms);
	})]).finally(() => clearTimeout(timer));
}

// As a link does it, without loading the program anew.
async function open_address(page, address) {
	await page.evaluate((href) => {
		history.pushState(null, '', href);
		dispatchEvent(new PopStateEvent('popstate'));
	}, address);
}

async function visit(page, name, address, language, settings, axe) {
	page.expected = absent[name] ?? [];
	await open_address(page, address);
	await settled(page);
	if (!(name in absent)) {
		const failures = await page.locator('.note.edge-bad[role=alert]').allInnerTexts();
		check(`${name} ${language}: nothing failed`, failures.length === 0, failures.join(' | '));
	}
	await check_page(page, `${name} ${language} ${settings.width ?? 1280} ${settings.scheme ?? 'light'}`, language, { axe });
	const missing = await page.evaluate(() => document.body.innerText.match(/\b[a-z_]+\.[a-z_]+\b(?=\s|$)/g)
		?.filter((w) => /^(state|need|cause|queue|act|menu|limit|plot|step|seen|fix)\./.test(w)));
	check(`${name} ${language}: no key is shown`, !missing?.length, String(missing));
}

// A page that never settles has failed; the others are still looked at.
async function visit_bounded(page, name, address, language, ...rest) {
	try {
		await within(page_ms, `${name} ${language}`, visit(page, name, address, language, ...rest));
	} catch (error) {
		check(`${name} ${language}: settles`, false, `${error.message} ${page.trouble.join(' | ')}`);
		if (++stuck === stuck_most)
			finish();
	}
}

async function all_pages(browser, pages, state, language, settings = {}) {
	const page = await open_page(browser, facts.base, { language, state, ...settings });
	await page.goto('/account');
	await settled(page);
	await page.locator('.top-end button[lang], .top-end button').filter({ hasText: language === 'ja' ? '日本語' : 'English' })
		.first().click({ timeout: 2000 }).catch(() => {});
	await page.evaluate((l) => localStorage.setItem('language', l), language);
	for (const [i, [name, address]] of Object.entries(pages).entries()) {
		// Axe takes most of the time: at night everywhere, else every page in one language.
		const axe = pictures !== null || i % 2 === languages.indexOf(language);
		await visit_bounded(page, name, address, language, settings, axe);
		if (pictures && settings.picture)
			await page.screenshot({ path: path.join(pictures, `${name}-${language}.png`), fullPage: true });
	}
	await page.context().close();
}

async function person(browser, link, language) {
	const page = await open_page(browser, facts.base, { language });
	const secrets = await enrol(page, link, language);
	const state = await page.context().storageState();
	await page.context().close();
	return { state, ...secrets };
}

if (pictures)
	fs.mkdirSync(pictures, { recursive: true });
const browser = await launch();
const admin = await person(browser, facts.link, 'en');
const operator = await person(browser, facts.operator_link, 'ja');
const narrow = [{ width: 320 }, { width: 390, scheme: 'dark' }, { width: 1280, scheme: 'dark' }];
// The account's language is one: so one after the other.
for (const language of languages) {
	await all_pages(browser, customer_pages(facts), admin.state, language, { picture: true });
	await all_pages(browser, operator_pages, operator.state, language, { picture: true });
	if (pictures && language === 'ja')
		for (const settings of narrow)
			await all_pages(browser, customer_pages(facts), admin.state, language, settings);
}
await main_jobs(browser, facts, admin.state);
const page = await open_page(browser, facts.base, {});
await sign_in(page, facts.user, { recovery: admin.codes[0] });
await browser.close();
finish();
