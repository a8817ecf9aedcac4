// Enrolment by the link that a new administrator gets, all by keyboard: accept,
// password, app, recovery codes; and signing in again with password and code.
import { check, check_page } from './browser.mjs';
import { totp } from './totp.mjs';

export const password = 'a long sentence that nobody guesses';

async function heading(page) {
	await page.waitForSelector('h1');
	return page.locator('h1').innerText();
}

// Tab until the element that holds the focus fits; at most `most` times.
export async function tab_to(page, selector, most = 60) {
	for (let i = 0; i < most; i++) {
		if (await page.evaluate((s) => document.activeElement?.matches(s), selector))
			return true;
		await page.keyboard.press('Tab');
	}
	return false;
}

export async function enrol(page, link, language) {
	const axe = { axe: language === 'en' };
	await page.goto(link);
	await heading(page);
	await check_page(page, `invitation ${language}`, language, axe);
	await tab_to(page, 'main button.primary');
	await page.keyboard.press('Enter');
	await page.waitForSelector('input[autocomplete=new-password]');
	await check_page(page, `enrolment: password ${language}`, language, axe);
	await page.locator('input[autocomplete=new-password]').focus();
	await page.keyboard.type(password);
	await page.keyboard.press('Enter');
	await page.waitForSelector('svg.qr');
	await check_page(page, `enrolment: app ${language}`, language, axe);
	const secret = await page.locator('main code').first().innerText();
	await page.locator('input[autocomplete=one-time-code]').focus();
	await page.keyboard.type(totp(secret));
	await page.keyboard.press('Enter');
	await page.waitForSelector('.recovery');
	const codes = await page.locator('.recovery li').allInnerTexts();
	check(`ten recovery codes ${language}`, codes.length === 10, String(codes.length));
	await check_page(page, `enrolment: recovery codes ${language}`, language, axe);
	await page.locator('input[type=checkbox]').focus();
	await page.keyboard.press('Space');
	await tab_to(page, 'main button.primary');
	await page.keyboard.press('Enter');
	await page.waitForSelector('header.top');
	return { secret, codes };
}

export async function sign_in(page, address, { recovery }) {
	await page.goto('/login');
	await page.waitForSelector('input[type=email]');
	await page.fill('input[type=email]', address);
	page.expected = [/^POST \/session 401$/];
	await page.fill('input[type=password]', 'not the password');
	await page.keyboard.press('Enter');
	await page.waitForSelector('[role=alert]');
	check('a wrong password has the one text', /wrong|正しく/.test(await page.locator('[role=alert]').innerText()));
	await page.fill('input[type=password]', password);
	await page.keyboard.press('Enter');
	await page.waitForSelector('input[autocomplete=one-time-code]');
	await check_page(page, 'second step', await page.evaluate(() => document.documentElement.lang));
	await page.locator('button.quiet').click();
	await page.locator('main input').fill(recovery);
	await page.keyboard.press('Enter');
	await page.waitForSelector('header.top');
}
