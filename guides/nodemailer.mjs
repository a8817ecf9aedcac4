/* Node.js with Nodemailer. */
import { unix_checks } from "./common.mjs";

export default {
	id: "nodemailer",
	title: "Node.js (Nodemailer)",
	group: "program",
	can: { tls: true, auth: true, reuse: true },
	requires: [{
		ja: "Node.js と `nodemailer` 6 以降(`npm install nodemailer`)。",
		en: "Node.js and `nodemailer` 6 or later (`npm install nodemailer`).",
	}],
	timeouts: {
		ja: "タイムアウトはデフォルト値(接続 2 分、応答 10 分)のままにします。",
		en: "Leave the time-outs at their defaults (2 minutes to connect, 10 for an answer).",
	},
	reuse: {
		ja: "接続の再使用:`pool: true` により、5 つまでの接続でそれぞれ 100 通まで送ります。",
		en: "Reuse: `pool: true` sends up to 100 messages on each of up to 5 connections.",
	},
	steps: [
		{
			ja: "接続を作る部分を次のようにします",
			en: "Make the connection like this",
			code: {
				file: "relay.mjs", mode: "write", private: true,
				syntax: "javascript",
				lines: [
					"import nodemailer from \"nodemailer\";",
					"",
					"export const relay = nodemailer.createTransport({",
					"  host: \"{host}\",",
					"  port: {port},",
					"  name: \"{helo}\",",
					{ when: "plain", line: "  ignoreTLS: true," },
					{
						when: "tls !implicit", line: "  requireTLS: true,",
						ja: "`requireTLS`:TLS で接続できないときは送信しません。",
						en: "`requireTLS`: without TLS nothing is sent.",
					},
					{
						when: "implicit", line: "  secure: true,",
						ja: "`secure`:ポート 465 は接続時から TLS です。",
						en: "`secure`: port 465 is TLS from the start.",
					},
					{
						when: "auth",
						line: "  auth: { user: \"{user}\", pass: \"{password}\" },",
						ja: "`auth`:この設定は SMTP 認証が必要です。パスワードは環境変数などに置くこともできます。",
						en: "`auth`: this setting requires AUTH. The password may as well come from the environment.",
					},
					"  pool: true,",
					"});",
				],
			},
			notes: [
				"timeouts", "reuse",
				{
					when: "!tls !plain",
					ja: "リレーが STARTTLS に対応しているため、自動的に TLS で接続し、証明書も確認します。",
					en: "As the relay offers STARTTLS, Nodemailer encrypts by itself and checks the certificate.",
				},
			],
		},
		{
			ja: "送信する部分は次のようにします",
			en: "Send like this",
			code: {
				file: "test-message.mjs", mode: "write", syntax: "javascript",
				lines: [
					"import { relay } from \"./relay.mjs\";",
					"",
					"await relay.sendMail({",
					"  from: \"{address}\",",
					"  to: \"{address}\",",
					"  subject: \"test\",",
					"  text: \"hello\",",
					"});",
					"relay.close();",
				],
			},
			notes: [{
				ja: "`sendMail` が失敗したときの再送は、アプリケーションの責任です。コードが 4 から始まる場合は、後でもう一度送ります。",
				en: "Sending again is up to the application: after a code that begins with 4, later.",
			}],
		},
		{
			role: "test",
			ja: "テストメールを送信します",
			en: "Send a test message",
			code: {
				mode: "run", syntax: "shell", lines: ["node test-message.mjs"],
			},
			notes: [{
				ja: "設定を変更したときは、アプリケーションを再起動します。",
				en: "After a change restart the application.",
			}],
		},
	],
	foreign: {
		notes: [
			{
				when: "!auth",
				ja: "EHLO の名前は、上の `name` で決まります。",
				en: "`name` above sets the EHLO name.",
			},
			{
				ja: "空の送信者で送るには、`envelope: { from: false, to: [\"…\"] }` を指定します。",
				en: "For an empty sender give `envelope: { from: false, to: [\"…\"] }`.",
			},
		],
		steps: [],
	},
	checks: unix_checks({
		ja: "`createTransport` に `logger: true, debug: true` を加えて、対話と誤りを表示します。",
		en: "Add `logger: true, debug: true` to `createTransport`: it shows the dialogue and what goes wrong.",
	}),
};
