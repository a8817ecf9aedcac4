// Pages without a session and without an API behind them: node signed_out.mjs BASE
import { launch, open_page, check_page, check, finish } from './browser.mjs';

const base = process.argv[2];
const no_api = /^GET \/session 503$/;
const browser = await launch();
for (const language of ['en', 'ja']) {
	const page = await open_page(browser, base, { language });
	page.expected = [no_api];
	await page.goto('/c/example/messages');
	await page.waitForSelector('h1');
	for (const width of [320, 1280]) {
		await page.setViewportSize({ width, height: 900 });
		await check_page(page, `sign-in ${language} ${width}`, language);
	}
	await page.close();
}
const page = await open_page(browser, base, { language: 'en' });
await page.goto('/');
await page.getByRole('button', { name: '日本語' }).click();
await page.waitForFunction(() => document.documentElement.lang === 'ja');
check('the language switch', await page.getByRole('heading', { level: 1 }).innerText() === 'ログイン');
await browser.close();
finish();
