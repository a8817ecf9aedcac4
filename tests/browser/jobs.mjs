// The main jobs (CONSOLE.md section 1) with the keyboard alone.
import { open_page, check } from './browser.mjs';
import { tab_to } from './sign_in.mjs';

export async function main_jobs(browser, facts, state) {
	const page = await open_page(browser, facts.base, { state });
	await page.goto(`/c/${facts.customer}/`);
	await page.waitForSelector('h1');
	await find_message(page, facts);
	await skip_link(page);
	await hold_and_release(page, facts);
	check('jobs: no trouble', page.trouble.length === 0, page.trouble.join(' | '));
	await page.context().close();
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
