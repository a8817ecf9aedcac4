#!/usr/bin/env node
/* Writes docs/guides from guides/: a page a product and language, in example
 * values. --check writes nothing and says what is out of date. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync }
	from "node:fs";
import { fileURLToPath } from "node:url";
import { guides } from "../guides/index.mjs";
import { render } from "../guides/lib/render.mjs";

const FOLDER = fileURLToPath(new URL("../docs/guides/", import.meta.url));
const OPTIONAL = { tls: "optional", auth: false, foreign: false };
const REQUIRED = { ...OPTIONAL, tls: "required" };
const LOGIN = { ...REQUIRED, auth: true };

const said = {
	made: {
		ja: "`guides/{id}.mjs` から `scripts/make-guides.mjs` が作成したページです。コンソールの「サーバーの接続」では、お客様の値が入った手順が表示されます。",
		en: "Made by `scripts/make-guides.mjs` from `guides/{id}.mjs`. The console shows these steps with your own values under “Connect your server”.",
	},
	requires: { ja: "必要なもの", en: "What it takes" },
	by_address: {
		ja: "設定(IP アドレスで認証、TLS は任意)",
		en: "Set up (by listed address, TLS optional)",
	},
	by_tls: { ja: "TLS が必須の設定", en: "Where the setting requires TLS" },
	by_login: {
		ja: "SMTP 認証が必要な設定", en: "Where the setting requires AUTH",
	},
	differ: {
		ja: "次の手順が変わります。", en: "These steps change.",
	},
	checks: { ja: "接続が現れない場合", en: "When no connection comes" },
	title: { ja: "サーバーの接続", en: "Connect your server" },
	index: {
		ja: "製品ごとの手順です。リレーの名前を `relay.example.net`、お客様のドメインを `example.com` として説明します。",
		en: "Steps for each product. The relay is called `relay.example.net` here, your domain `example.com`.",
	},
	other: { ja: "[English]({file})", en: "[日本語]({file})" },
	colon: { ja: ":", en: ": " },
};

const FENCE = {
	"main.cf": "ini", shell: "sh", javascript: "js", python: "py",
	php: "php", java: "java", csharp: "cs", powershell: "powershell",
};

const file_of = (id, language) =>
	`${id}${language === "ja" ? ".ja" : ""}.md`;
const other = (language) => (language === "ja" ? "en" : "ja");
const switch_to = (id, language) =>
	said.other[language].replace("{file}", file_of(id, other(language)));

function step_lines(step) {
	const out = [`${step.number}. ${step.text}`, ""];
	if (step.code) {
		if (step.code.file && !step.text.includes(step.code.file))
			out.push(`   \`${step.code.file}\``, "");
		out.push(`   \`\`\`${FENCE[step.code.syntax] ?? ""}`,
			...step.code.text.trimEnd().split("\n")
				.map((x) => `   ${x}`.trimEnd()),
			"   ```", "");
	}
	for (const note of step.notes)
		out.push(`   - ${note}`);
	if (step.notes.length)
		out.push("");
	return out;
}

/* Those that another page lacks or has otherwise. */
function new_steps(page, base) {
	const old = new Set(base.steps.map((s) => s.text + s.code?.text));
	return page.steps.filter((s) => !old.has(s.text + s.code?.text));
}

function cannot_lines(no) {
	return [no.text, "", ...no.instead.map((x) => `- ${x}`), ""];
}

function variant(title, page, base, language) {
	const out = [`## ${title}`, ""];
	if (page.cannot)
		return [...out, ...cannot_lines(page.cannot)];
	out.push(...page.port_notes, "", said.differ[language], "");
	for (const step of new_steps(page, base))
		out.push(...step_lines(step));
	return out;
}

function document(guide, language) {
	const [base, tls, login] = [OPTIONAL, REQUIRED, LOGIN].map((choices) =>
		render(guide, choices, {}, language));
	const out = [
		`# ${base.title}`, "",
		`${switch_to(guide.id, language)} · ${said.made[language]
			.replace("{id}", guide.id)}`, "",
		...base.abilities.map((a) =>
			`- ${a.label}${said.colon[language]}${a.text}`), "",
		`## ${said.requires[language]}`, "",
		...[...new Set([...base.requires, ...login.requires])]
			.map((x) => `- ${x}`), "",
		`## ${said.by_address[language]}`, "",
		base.port_notes.at(-1), "",
	];
	for (const step of base.steps)
		out.push(...step_lines(step));
	out.push(...variant(said.by_tls[language], tls, base, language));
	out.push(...variant(said.by_login[language], login, tls.cannot ? base
		: tls, language));
	out.push(`## ${base.fold.title}`, "",
		...base.fold.notes.map((x) => `- ${x}`), "");
	for (const step of base.fold.steps)
		out.push(...step_lines(step));
	out.push(`## ${said.checks[language]}`, "",
		...base.checks.map((x, i) => `${i + 1}. ${x}`), "", base.closing);
	return out.join("\n") + "\n";
}

function index(language) {
	return [
		`# ${said.title[language]}`, "", switch_to("README", language), "",
		said.index[language], "",
		...guides.map((g) => {
			const page = render(g, OPTIONAL, {}, language);
			return `- [${page.title}](${file_of(g.id, language)})`;
		}),
	].join("\n") + "\n";
}

const files = new Map();
for (const language of ["en", "ja"]) {
	files.set(file_of("README", language), index(language));
	for (const guide of guides)
		files.set(file_of(guide.id, language), document(guide, language));
}

function text_of(name) {
	try {
		return readFileSync(FOLDER + name, "utf8");
	} catch {
		return null;
	}
}

mkdirSync(FOLDER, { recursive: true });
const stale = [...files].filter(([name, text]) => text_of(name) !== text)
	.map(([name]) => name);
const extra = readdirSync(FOLDER).filter((name) => !files.has(name));
if (process.argv.includes("--check")) {
	for (const name of [...stale, ...extra])
		console.log(`docs/guides/${name} is not what guides/ says: `
			+ "scripts/make-guides.mjs");
	process.exitCode = stale.length + extra.length ? 1 : 0;
} else {
	for (const name of stale)
		writeFileSync(FOLDER + name, files.get(name));
	for (const name of extra)
		rmSync(FOLDER + name);
}
