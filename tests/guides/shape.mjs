/* What every guide holds, in both languages and for all choices; that values
 * come out right in each syntax; the advice after refusals. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { advice } from "../../guides/lib/advice.mjs";
import { syntaxes } from "../../guides/lib/escape.mjs";
import { guides } from "../../guides/index.mjs";
import { render } from "../../guides/lib/render.mjs";

let passed = 0;
let failed = 0;

function test(name, what) {
	try {
		what();
		passed++;
	} catch (e) {
		failed++;
		console.log(`FAIL ${name}: ${e.message}`);
	}
}

const LANGUAGES = ["en", "ja"];
const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;
const CHOICES = [];
for (const tls of ["optional", "required"])
	for (const auth of [false, true])
		for (const foreign of [false, true])
			for (const port of [undefined, 25, 587, 465])
				CHOICES.push({ tls, auth, foreign, port });

/* All texts of a guide's data: {ja, en} anywhere in it. */
function texts(data, out = []) {
	if (data && typeof data === "object") {
		if ("ja" in data || "en" in data)
			out.push(data);
		Object.values(data).forEach((x) => texts(x, out));
	}
	return out;
}

function every_page(what) {
	for (const guide of guides)
		for (const choices of CHOICES)
			for (const language of LANGUAGES)
				what(guide, choices, render(guide, choices, {}, language),
					language);
}

test("s13 the guides are those of the specification", () => {
	for (const id of ["exchange-2007-2010", "exchange-2007-2010-edge",
		"exchange-2000-2003", "domino", "groupwise", "sendmail",
		"macos-server", "qmail", "postfix", "exchange-2013-se", "exim",
		"opensmtpd", "msmtp", "printer", "nodemailer", "python", "php",
		"java", "dotnet"])
		assert(guides.some((g) => g.id === id), id);
});

for (const guide of guides) {
	test(`${guide.id} is said in both languages`, () => {
		for (const { ja, en } of texts(guide)) {
			assert(ja && en, `${ja} | ${en}`);
			assert(!JAPANESE.test(en), en);
			assert(!/<[a-z]+>/.test(ja + en) || /`[^`]*<[^`]*`/.test(ja + en),
				`mark-up: ${en}`);
		}
	});
	test(`${guide.id} tells time-outs, reuse, reload, test`, () => {
		const page = render(guide, { tls: "optional" }, {}, "en");
		const notes = page.steps.flatMap((s) => s.notes);
		assert(notes.includes(page_text(guide.timeouts)), "time-outs");
		assert(notes.includes(page_text(guide.reuse)), "reuse");
		assert(page.steps.at(-1).role === "test", "the test is last");
		assert(page.steps.some((s) => s.role === "reload")
			|| /restart|reload/i.test(notes.join(" ")), "reload");
		assert.equal(page.checks.length, 3);
		assert(page.closing.includes(page.title));
	});
}

function page_text(both) {
	return both.en.replaceAll("{port}", "25");
}

test("s13 TLS required: 587, and lines that say so", () => {
	every_page((guide, choices, page) => {
		if (choices.tls !== "required" || choices.port || page.cannot)
			return;
		assert.equal(page.port, guide.id === "groupwise" ? 25 : 587);
	});
});

test("s13 what can't says so and what to do, instead of steps", () => {
	every_page((guide, choices, page) => {
		const can = (choices.tls !== "required" || guide.can.tls)
			&& (!choices.auth || guide.can.auth);
		assert.equal(page.cannot === null, can, guide.id);
		assert.equal(page.steps.length > 0, can, guide.id);
		if (!can)
			assert(page.cannot.text && page.cannot.instead.length);
	});
});

test("no place is left open, and no secret shows unasked", () => {
	every_page((guide, choices, page) => {
		const text = JSON.stringify(page);
		assert(!/\{(host|port|user|password|helo|domain|address|product)\}/
			.test(text), `${guide.id}: ${text}`);
		assert(!choices.auth || page.cannot || text.includes("APP-PASSWORD"),
			guide.id);
	});
});

test("AUTH lines only where AUTH is asked", () => {
	every_page((guide, choices, page) => {
		if (!choices.auth)
			assert(!JSON.stringify(page.steps).includes("APP-PASSWORD"),
				guide.id);
	});
});

test("values with line ends are not taken", () => {
	assert.throws(() => render(guides[0], { tls: "optional" },
		{ helo: "a\nb" }, "en"));
});

/* Languages that are here say themselves what a string holds. */
const HARD = "p\"w\\d:#$HOME'^{x} %s=`%&*!~|<>;?/é日";
const spoken = {
	shell: (t) => execFileSync("sh", ["-c", `printf %s '${t}'`]).toString(),
	python: (t) => execFileSync("python3",
		["-c", `print("${t}", end="")`]).toString(),
	javascript: (t) => Function(`return "${t}"`)(),
};
for (const [name, say] of Object.entries(spoken))
	test(`${name} reads the value back`, () => {
		assert.equal(say(syntaxes[name].value(HARD)), HARD);
	});

test("sendmail: plain where it can, base64 where it must", () => {
	const { value } = syntaxes.authinfo;
	assert.equal(value("pr_abc", "password"), ":pr_abc");
	assert.equal(value("a\"b", "password"), "=YSJi");
	assert.equal(value("relay.example.net", "host"), "relay.example.net");
});

/* --- advice ----------------------------------------------------------------- */

const seen = {
	host: "relay.example.net", helo: "localhost", encrypted: false, port: 587,
	address: "noreply@example.com", user: "noreply@example.com",
};
const wanted = {
	tls: "required", auth: false, helo: "mail.example.com",
	via: "out.example.com",
};
const postfix = guides.find((g) => g.id === "postfix");

function changes(cause, more = {}) {
	return advice(postfix, cause, seen, { ...wanted, ...more }, "en").changes;
}

test("advice address: through a listed server", () => {
	const [c] = changes("address");
	assert.deepEqual([c.minus[0], c.plus[0]], [
		"relayhost = [relay.example.net]:25",
		"relayhost = [out.example.com]:25"]);
});

test("advice tls: the lines that encrypt, and the reload", () => {
	const a = advice(postfix, "tls", seen, wanted, "ja");
	assert(a.changes[0].plus.includes("smtp_tls_security_level = secure"));
	assert.equal(a.reload.code.text, "sudo postfix reload\n");
});

test("advice helo: the name that is generic", () => {
	assert.deepEqual(changes("helo"), [{
		head: "/etc/postfix/main.cf", file: "/etc/postfix/main.cf",
		minus: ["myhostname = localhost"],
		plus: ["myhostname = mail.example.com"],
	}]);
});

test("advice credentials: only where the password stands", () => {
	assert.deepEqual(changes("credentials", { password: "pr_new" }), [{
		head: "/etc/postfix/sasl_passwd", file: "/etc/postfix/sasl_passwd",
		minus: ["[relay.example.net]:587 noreply@example.com:OLD-PASSWORD"],
		plus: ["[relay.example.net]:587 noreply@example.com:pr_new"],
	}]);
});

test("advice for what can't, and for causes that are not the server's", () => {
	const qmail = guides.find((g) => g.id === "qmail");
	assert(advice(qmail, "tls", seen, wanted, "en").cannot);
	assert.equal(advice(postfix, "limit_day", seen, wanted, "en"), null);
	for (const guide of guides)
		for (const cause of ["address", "tls", "auth", "credentials",
			"foreign", "empty", "helo", "domain"])
			for (const language of LANGUAGES)
				advice(guide, cause, seen, wanted, language);
});

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
