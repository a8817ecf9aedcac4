/* msmtp: for machines that only send. */
import { sendmail_test, unix_checks } from "./common.mjs";

export default {
	id: "msmtp",
	title: "msmtp",
	group: "program",
	can: { tls: true, auth: true, reuse: false },
	can_text: {
		reuse: { ja: "1 通ごとに 1 接続", en: "one connection a message" },
	},
	requires: [{
		ja: "msmtp 1.8 以降。`sendmail` というコマンド名でも使う場合は、Debian では `msmtp-mta` も導入します。",
		en: "msmtp 1.8 or later; on Debian also `msmtp-mta`, to be called as `sendmail`.",
	}],
	timeouts: {
		ja: "タイムアウトはデフォルト値のままにします。msmtp にはキューがないため、一時的なエラーのときは呼び出し元がもう一度送信する必要があります。",
		en: "Leave the time-out at its default. msmtp has no queue: after a temporary error the caller has to send again.",
	},
	reuse: {
		ja: "接続の再使用:msmtp は 1 通ごとに接続します。続けて多くのメールを送る場合は、Postfix などキューのあるサーバーを使います。",
		en: "Reuse: msmtp connects for each message. To send many in a row use a server with a queue, such as Postfix.",
	},
	steps: [
		{
			ja: "`/etc/msmtprc` を次の内容にします",
			en: "Let `/etc/msmtprc` hold this",
			code: {
				file: "/etc/msmtprc", mode: "write", private: true,
				syntax: "msmtprc",
				lines: [
					"account default",
					"host {host}",
					"port {port}",
					"domain {helo}",
					"from {address}",
					{ when: "plain", line: "tls off" },
					{
						when: "!plain", line: "tls on",
						ja: "`tls on`:暗号化し、証明書も確認します。TLS で接続できないときは送信しません。",
						en: "`tls on`: encrypts and checks the certificate; without TLS nothing is sent.",
					},
					{ when: "!plain !implicit", line: "tls_starttls on" },
					{
						when: "implicit", line: "tls_starttls off",
						ja: "`tls_starttls off`:ポート 465 は接続時から TLS です。",
						en: "`tls_starttls off`: port 465 is TLS from the start.",
					},
					{
						when: "!plain",
						line: "tls_trust_file /etc/ssl/certs/ca-certificates.crt",
					},
					{
						when: "auth", line: "auth plain",
						ja: "`auth`:この設定は SMTP 認証が必要です。",
						en: "`auth`: this setting requires AUTH.",
					},
					{ when: "auth", line: "user {user}" },
					{ when: "auth", line: "password \"{password}\"" },
				],
			},
			notes: ["timeouts", "reuse"],
		},
		{
			ja: "メールを送信するグループだけがファイルを読めるようにします",
			en: "Let only the group that sends mail read it",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo chown root:msmtp /etc/msmtprc", "sudo chmod 640 /etc/msmtprc"],
			},
			notes: [{
				ja: "再読み込みは不要です。msmtp は送信するたびにファイルを読みます。",
				en: "Nothing to reload: msmtp reads the file each time.",
			}],
		},
		sendmail_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、上の `domain` の行で決まります(行がないと `localhost` になります)。",
			en: "The line `domain` above sets the EHLO name (without it: `localhost`).",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "`msmtp -d -f {address} {address}` で、対話と誤りを画面に表示します。",
		en: "`msmtp -d -f {address} {address}` shows the dialogue and what goes wrong.",
	}),
};
