// The main jobs with the keyboard alone, and that what the pages say of them is
// what the API has.
import net from 'node:net';
import { open_page, check } from './browser.mjs';
import { tab_to } from './sign_in.mjs';

const jobs = [find_message, skip_link, hold_and_release, search_list, queue_rows, alert, refusals_by_cause, new_rows,
	live_check, explain_message, over_limit, save_setting, add_refused];

export async function main_jobs(browser, facts, state) {
	const page = await open_page(browser, facts.base, { state });
	await page.goto(`/c/${facts.customer}/`);
	await page.waitForSelector('h1');
	for (const job of jobs)
		await job(page, facts).catch((error) => check(`job ${job.name}`, false, error.message));
	check('jobs: no trouble', page.trouble.length === 0, page.trouble.join(' | '));
	await page.context().close();
	await session_stays(browser, facts, state).catch((error) => check('job session_stays', false, error.message));
}

// What the API says, asked as the page does.
function ask(page, path) {
	return page.evaluate((p) => fetch(`/api/v1${p}`).then((r) => r.json()), path);
}

// "/" and a pasted id open the message at once; the heading has the focus.
async function find_message(page, facts) {
	await page.keyboard.press('/');
	await page.keyboard.insertText(facts.message);
	await page.keyboard.press('Enter');
	await page.waitForURL(`**/messages/${facts.message}`);
	await page.waitForSelector('.timeline');
	check('search opens the message', true);
	check('the heading takes the focus', await page.evaluate(() => document.activeElement?.tagName) === 'H1');
}

async function skip_link(page) {
	await page.reload();
	await page.waitForSelector('h1');
	await page.keyboard.press('Tab');
	check('the skip link is first', await page.evaluate(() => document.activeElement?.className) === 'skip');
	await page.keyboard.press('Enter');
	check('it leads to main', await page.evaluate(() => document.activeElement?.id) === 'main');
}

// A cell of the matrix by Space, then Hold, then Release.
async function hold_and_release(page, facts) {
	for (const act of ['hold', 'release']) {
		await page.goto(`/c/${facts.customer}/queue`);
		await page.waitForSelector('.cell');
		check(`${act}: a cell by Tab`, await tab_to(page, '.cell'));
		await page.keyboard.press('Space');
		await page.waitForSelector('.bulk');
		check(`${act}: the panel's heading has the focus`, await page.evaluate(() => document.activeElement?.id) === 'bulk-title');
		const name = act === 'hold' ? /^Hold$/ : /^Release$/;
		await page.getByRole('button', { name }).focus();
		await page.keyboard.press('Enter');
		const run = page.locator('.bulk .button.primary');
		await run.waitFor();
		await run.focus();
		await page.keyboard.press('Enter');
		await page.waitForSelector('.status-line .note');
		const said = await page.locator('.status-line').innerText();
		check(`${act}: done`, (act === 'hold' ? /held/ : /released/).test(said), said);
	}
}

// What has no page of its own opens the list of mail with it as the filter.
async function search_list(page, facts) {
	for (const text of ['bob@example.org', '127.0.0.1']) {
		await page.goto(`/c/${facts.customer}/limits`);
		await page.waitForSelector('h1');
		await page.keyboard.press('/');
		await page.keyboard.insertText(text);
		await page.keyboard.press('Enter');
		await page.waitForURL(`**/messages?text=${encodeURIComponent(text)}`).then(() => check(`search ${text}: opens the list`, true),
			() => check(`search ${text}: opens the list`, false, page.url()));
	}
	await page.waitForSelector('tbody tr');
}

async function queue_rows(page, facts) {
	await page.goto(`/c/${facts.customer}/queue/list`);
	await page.waitForSelector('tbody tr');
	const text = await page.locator('tbody').innerText();
	check('queue: to whom', /user0@waits\.example/.test(text), text);
	check('queue: state and reply', /waiting|deferred/i.test(text) && /connect failed/.test(text), text);
}

async function alert(page, facts) {
	await page.goto(`/c/${facts.customer}/alerts`);
	await page.waitForSelector('main .card');
	const text = await page.locator('main').innerText();
	check('alert: which limit, how much', /\d+ of 50 are used/.test(text) && /10 min/.test(text), text);
	check('alert: it is open', await page.locator('main .card .badge').first().innerText() === 'Open', text);
	check('alert: since when', await page.locator('main .card time').count() > 0, text);
}

async function refusals_by_cause(page, facts) {
	await page.goto(`/c/${facts.customer}/messages?cause=domain&to=x@example.org&destination=example.org`);
	await page.waitForSelector('tbody tr, .empty');
	check('refusals by cause', await page.locator('main .note.edge-bad').count() === 0);
}

// Rows that came since the list was asked for are offered.
async function new_rows(page, facts) {
	await page.goto(`/c/${facts.customer}/messages`);
	await page.waitForSelector('tbody tr');
	check('new rows: none yet', await page.locator('.new-rows').count() === 0);
	await send(facts);
	await page.waitForSelector('.new-rows button');
	await page.locator('.new-rows button').focus();
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.querySelector('tbody')?.innerText.includes('late@example.org'));
	check('new rows: shown', true);
}

// The check follows what comes while it is open.
async function live_check(page, facts) {
	const link = '.live-check a[href*="/messages/"]';
	await page.goto(`/c/${facts.customer}/connect?watch=127.0.0.1`);
	await page.waitForSelector(link);
	const before = await page.locator(link).getAttribute('href');
	await send(facts);
	await page.waitForFunction(([s, old]) => ![old, undefined].includes(document.querySelector(s)?.getAttribute('href')), [link, before]);
	check('live check: follows', true);
}

// One message by SMTP.
async function send({ smtp, sender }) {
	const lines = ['EHLO mail.example.com', `MAIL FROM:<${sender}>`, 'RCPT TO:<late@example.org>', 'DATA', 'Subject: late\r\n\r\n.', 'QUIT'];
	const socket = net.connect(smtp, '127.0.0.1');
	for await (const reply of socket)
		if (/^\d{3} /m.test(String(reply)) && lines.length)
			socket.write(`${lines.shift()}\r\n`);
}

async function explain_message(page, facts) {
	await page.goto(`/c/${facts.customer}/messages/${facts.message}`);
	await page.locator('.timeline a[href*="/explain?"]').click();
	await page.waitForSelector('.explain-facts');
	const values = await page.locator('.explain-facts input').evaluateAll((all) => all.map((i) => i.value));
	check('explain: the client is filled in', values.includes('127.0.0.1'), String(values));
	await page.waitForSelector('.explain-verdict');
	check('explain: it was accepted', /ok/.test(await page.locator('.explain-verdict').getAttribute('class')));
}

async function over_limit(page, facts) {
	await page.goto(`/c/${facts.customer}/limits`);
	await page.locator('.page-head .actions button').click();
	await page.locator('dialog input[name=customer_day][value=hold]').focus();
	await page.keyboard.press('Space');
	await page.locator('dialog .button.primary').focus();
	await page.keyboard.press('Enter');
	await page.waitForSelector('.status-line .note');
	check('over a limit: saved', (await ask(page, `/customers/${facts.customer}`)).over_customer_day === 'hold',
		await page.locator('.status-line').innerText());
}

// Saved at once after the last key: told on the list, and no draft is left.
async function save_setting(page, facts) {
	await page.goto(`/c/${facts.customer}/settings/${facts.setting}`);
	await page.locator('#setting-description').fill('Main building');
	await page.locator('.editor-foot .button.primary').focus();
	await page.keyboard.press('Enter');
	await page.waitForURL(`**/c/${facts.customer}/settings`);
	await page.waitForSelector('.setting');
	check('save: it is told', /Main building/.test(await page.locator('.status-line').innerText()), await page.locator('main').innerText());
	const { items } = await ask(page, `/customers/${facts.customer}/drafts`);
	check('save: no draft is left', items.length === 0, JSON.stringify(items));
	await page.goto(`/c/${facts.customer}/users`);
}

// The live check's fix for an address that isn't listed leads into a draft.
async function add_refused(page, facts) {
	await page.goto(`/c/${facts.customer}/settings/new?add=192.0.2.77`);
	await page.waitForSelector('.entries');
	const values = await page.locator('.entries input.mono').evaluateAll((all) => all.map((i) => i.value));
	check('add: the address is in the draft', values.includes('192.0.2.77'), String(values));
	await page.locator('.editor-foot button').nth(1).click();
	await page.waitForSelector('.status-line button');
	check('discard: Undo is offered', /undo/i.test(await page.locator('.status-line').innerText()));
}

// Use keeps the session: it is asked only 28 minutes after the last answer.
async function session_stays(browser, facts, state) {
	const page = await open_page(browser, facts.base, { state });
	await page.clock.install();
	await page.goto(`/c/${facts.customer}/users`);
	await page.waitForSelector('tbody tr');
	await page.clock.fastForward('27:00');
	await page.locator(`nav a[href="/c/${facts.customer}/domains"]`).click();
	await page.waitForSelector('tbody tr a[href*="/domains/"]');
	await page.clock.fastForward('02:00');
	check('session: use keeps it', await page.locator('dialog').count() === 0);
	await page.clock.fastForward('27:00');
	await page.waitForSelector('dialog');
	check('session: without use it asks', true);
	await page.context().close();
}
