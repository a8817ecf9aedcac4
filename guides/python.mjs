/* Python's smtplib. */
import { unix_checks } from "./common.mjs";

export default {
	id: "python",
	title: "Python (smtplib)",
	group: "program",
	can: { tls: true, auth: true, reuse: true },
	requires: [{
		ja: "Python 3.6 以降。ほかに必要なものはありません。",
		en: "Python 3.6 or later, nothing else.",
	}],
	timeouts: {
		ja: "タイムアウトは 60 秒以上にします。`smtplib` の既定値は無期限のため、必ず指定します。",
		en: "Give a time-out of 60 seconds or more; without one `smtplib` waits for ever.",
	},
	reuse: {
		ja: "接続の再使用:1 つの `with` の中で `send_message` を繰り返すと、同じ接続で送ります。",
		en: "Reuse: call `send_message` again inside the same `with` to send on the same connection.",
	},
	steps: [
		{
			ja: "送信する部分を次のようにします",
			en: "Send like this",
			code: {
				file: "test_message.py", mode: "write", private: true,
				syntax: "python",
				lines: [
					"import smtplib",
					{ when: "!plain", line: "import ssl" },
					"from email.message import EmailMessage",
					"",
					"message = EmailMessage()",
					"message[\"From\"] = \"{address}\"",
					"message[\"To\"] = \"{address}\"",
					"message[\"Subject\"] = \"test\"",
					"message.set_content(\"hello\")",
					"",
					{
						when: "!implicit",
						line: "with smtplib.SMTP(\"{host}\", {port}, local_hostname=\"{helo}\",",
					},
					{
						when: "!implicit",
						line: "                  timeout=60) as relay:",
					},
					{
						when: "implicit",
						line: "with smtplib.SMTP_SSL(\"{host}\", {port}, local_hostname=\"{helo}\", timeout=60,",
						ja: "`SMTP_SSL`:ポート 465 は接続時から TLS です。",
						en: "`SMTP_SSL`: port 465 is TLS from the start.",
					},
					{
						when: "implicit",
						line: "                      context=ssl.create_default_context()) as relay:",
					},
					{
						when: "!plain !implicit",
						line: "    relay.starttls(context=ssl.create_default_context())",
						ja: "`starttls`:暗号化し、証明書も確認します。TLS で接続できないときは送信しません。",
						en: "`starttls`: encrypts and checks the certificate; without TLS nothing is sent.",
					},
					{
						when: "auth",
						line: "    relay.login(\"{user}\", \"{password}\")",
						ja: "`login`:この設定は SMTP 認証が必要です。パスワードは環境変数などに置くこともできます。",
						en: "`login`: this setting requires AUTH. The password may as well come from the environment.",
					},
					"    relay.send_message(message)",
				],
			},
			notes: [
				"timeouts", "reuse",
				{
					ja: "失敗したときの再送は、アプリケーションの責任です。コードが 4 から始まる場合は、後でもう一度送ります。",
					en: "Sending again is up to the application: after a code that begins with 4, later.",
				},
			],
		},
		{
			role: "test",
			ja: "テストメールを送信します",
			en: "Send a test message",
			code: {
				mode: "run", syntax: "shell",
				lines: ["python3 test_message.py"],
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
				ja: "EHLO の名前は、上の `local_hostname` で決まります(指定しないと `[127.0.0.1]` などになります)。",
				en: "`local_hostname` above sets the EHLO name (without it, `[127.0.0.1]` or the like).",
			},
			{
				ja: "空の送信者で送るには、`relay.send_message(message, from_addr=\"\")` を使います。",
				en: "For an empty sender use `relay.send_message(message, from_addr=\"\")`.",
			},
		],
		steps: [],
	},
	checks: unix_checks({
		ja: "`with` の中の最初の行に `relay.set_debuglevel(1)` を加えて、対話を表示します。",
		en: "Add `relay.set_debuglevel(1)` as the first line inside `with`: it shows the dialogue.",
	}),
};
