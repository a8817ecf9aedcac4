// Pages without a session and without an API behind them: node signed_out.mjs BASE
import { launch, open_page, check_page, check, finish } from './browser.mjs';

const base = process.argv[2];
const browser = await launch();
for (const language of ['en', 'ja']) {
	for (const width of [320, 1280]) {
		const page = await open_page(browser, base, { language, width });
		await page.goto('/c/example/messages');
		await page.waitForSelector('h1');
		await check_page(page, `sign-in ${language} ${width}`, language);
		await page.close();
	}
}
const page = await open_page(browser, base, { language: 'en' });
await page.goto('/');
await page.getByRole('button', { name: '日本語' }).click();
await page.waitForFunction(() => document.documentElement.lang === 'ja');
check('the language switch', await page.getByRole('heading', { level: 1 }).innerText() === 'ログイン');
await browser.close();
finish();
