/* OpenSMTPD 6.4 and later (the syntax with actions). */
import { sendmail_test, unix_checks } from "./common.mjs";

export default {
	id: "opensmtpd",
	title: "OpenSMTPD",
	group: "server",
	can: { tls: true, auth: true, reuse: true },
	requires: [{
		ja: "OpenSMTPD 6.4 以降。設定ファイルは `/etc/smtpd.conf`(OpenBSD は `/etc/mail/smtpd.conf`)です。",
		en: "OpenSMTPD 6.4 or later. Its file is `/etc/smtpd.conf` (OpenBSD: `/etc/mail/smtpd.conf`).",
	}],
	timeouts: {
		ja: "タイムアウトの設定はありません。変更は不要です。",
		en: "There are no time-outs to set; leave it as it is.",
	},
	reuse: {
		ja: "接続の再使用:OpenSMTPD は、次のメールのために接続をしばらく開いておきます。設定は不要です。",
		en: "Reuse: OpenSMTPD keeps the connection for the next message by itself.",
	},
	steps: [
		{
			when: "auth",
			ja: "ユーザー名とアプリ パスワードのファイルを作成します",
			en: "Make the file for user name and app password",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo install -m 640 -g opensmtpd /dev/null /etc/smtpd.secrets"],
			},
			notes: [{
				ja: "OpenBSD のグループは `_smtpd` です。",
				en: "On OpenBSD the group is `_smtpd`.",
			}],
		},
		{
			when: "auth",
			ja: "そのファイルに次の行を書きます",
			en: "Write this line into it",
			code: {
				file: "/etc/smtpd.secrets", mode: "write", private: true,
				syntax: "table", lines: ["relay {user}:{password}"],
			},
		},
		{
			ja: "`/etc/smtpd.conf` の `action \"relay\"` の行を、次の行に置き換えます",
			en: "In `/etc/smtpd.conf` replace the line `action \"relay\"` by this",
			code: {
				file: "/etc/smtpd.conf", mode: "replace",
				at: "action \"relay\"", syntax: "smtpd.conf",
				lines: [
					{
						when: "auth", line: "table secrets file:/etc/smtpd.secrets",
						ja: "`auth <secrets>`:この設定は SMTP 認証が必要です。`relay@` はファイルの行の名前です。",
						en: "`auth <secrets>`: this setting requires AUTH; `relay@` names the line of the file.",
					},
					{
						when: "plain",
						line: "action \"relay\" relay host \"smtp+notls://{host}:{port}\" helo \"{helo}\"",
					},
					{
						when: "!plain !tls",
						line: "action \"relay\" relay host \"smtp://{host}:{port}\" helo \"{helo}\"",
					},
					{
						when: "tls !implicit !auth",
						line: "action \"relay\" relay host \"smtp+tls://{host}:{port}\" tls helo \"{helo}\"",
						ja: "`smtp+tls` と `tls`:TLS と正しい証明書がないときは送信せず、後で再試行します。",
						en: "`smtp+tls` and `tls`: without TLS and a good certificate nothing is sent; it tries again later.",
					},
					{
						when: "tls !implicit auth",
						line: "action \"relay\" relay host \"smtp+tls://relay@{host}:{port}\" auth <secrets> tls helo \"{helo}\"",
						ja: "`smtp+tls` と `tls`:TLS と正しい証明書がないときは送信せず、後で再試行します。",
						en: "`smtp+tls` and `tls`: without TLS and a good certificate nothing is sent; it tries again later.",
					},
					{
						when: "implicit !auth",
						line: "action \"relay\" relay host \"smtps://{host}:{port}\" tls helo \"{helo}\"",
						ja: "`smtps`:ポート 465 は接続時から TLS です。",
						en: "`smtps`: port 465 is TLS from the start.",
					},
					{
						when: "implicit auth",
						line: "action \"relay\" relay host \"smtps://relay@{host}:{port}\" auth <secrets> tls helo \"{helo}\"",
						ja: "`smtps`:ポート 465 は接続時から TLS です。",
						en: "`smtps`: port 465 is TLS from the start.",
					},
				],
			},
			notes: [
				"timeouts", "reuse",
				{
					ja: "この action を使う `match from local for any action \"relay\"` の行は、そのまま残します。",
					en: "Leave the line `match from local for any action \"relay\"`, which uses it.",
				},
			],
		},
		{
			ja: "設定に誤りがないことを確認します",
			en: "Check the file for mistakes",
			code: {
				mode: "run", syntax: "shell", lines: ["sudo smtpd -n"],
			},
		},
		{
			role: "reload",
			ja: "OpenSMTPD を再起動します",
			en: "Restart OpenSMTPD",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo systemctl restart opensmtpd"],
			},
			notes: [{
				ja: "OpenBSD では `rcctl restart smtpd` です。",
				en: "On OpenBSD: `rcctl restart smtpd`.",
			}],
		},
		sendmail_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、action の行の `helo` で決まります。",
			en: "The word `helo` of the action sets the EHLO name.",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "`sudo smtpctl show queue` で待機中のメールを、`/var/log/mail.log`(OpenBSD は `/var/log/maillog`)で理由を確認します。",
		en: "See what waits by `sudo smtpctl show queue`, and why in `/var/log/mail.log` (OpenBSD: `/var/log/maillog`).",
	}),
};
