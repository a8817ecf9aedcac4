/* Postfix (SPEC 13.9). */
import { sendmail_test, unix_checks } from "./common.mjs";

export default {
	id: "postfix",
	title: "Postfix",
	group: "server",
	can: { tls: true, auth: true, reuse: true },
	requires: [
		{
			ja: "Postfix 3.4 以降(それより前では `smtp_tls_connection_reuse` の行を除いてください。465 は 3.0 以降)。",
			en: "Postfix 3.4 or later (before, leave out the line `smtp_tls_connection_reuse`; port 465 needs 3.0).",
		},
		{
			when: "auth",
			ja: "SASL の PLAIN 機構(Debian:`libsasl2-modules`、RHEL:`cyrus-sasl-plain`)。",
			en: "SASL's PLAIN mechanism (Debian: `libsasl2-modules`, RHEL: `cyrus-sasl-plain`).",
		},
	],
	timeouts: {
		ja: "タイムアウトはデフォルト値のままで最適です。変更しないでください。",
		en: "Leave the time-outs at their defaults.",
	},
	reuse: {
		ja: "接続の再使用:Postfix は開いている接続を次のメールに使います(2 秒以内に続くメール)。",
		en: "Reuse: Postfix sends the next message on the open connection if it comes within 2 seconds.",
	},
	steps: [
		{
			ja: "`/etc/postfix/main.cf` に次の行を追加します",
			en: "Add these lines to `/etc/postfix/main.cf`",
			code: {
				file: "/etc/postfix/main.cf", mode: "append",
				syntax: "main.cf",
				lines: [
					"relayhost = [{host}]:{port}",
					"myhostname = {helo}",
					{
						when: "!tls !plain",
						line: "smtp_tls_security_level = may",
					},
					{
						when: "tls",
						line: "smtp_tls_security_level = secure",
						ja: "`secure`:暗号化し、証明書の名前も確認します。TLS で接続できないときは送信せず、後で再試行します。",
						en: "`secure`: encrypts and checks the name in the certificate; without that nothing is sent, it tries again later.",
					},
					{
						when: "tls",
						line: "smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt",
						ja: "CA 証明書のファイルは RHEL では `/etc/pki/tls/certs/ca-bundle.crt` です。",
						en: "On RHEL the file of CA certificates is `/etc/pki/tls/certs/ca-bundle.crt`.",
					},
					{
						when: "implicit", line: "smtp_tls_wrappermode = yes",
						ja: "`smtp_tls_wrappermode`:ポート 465 は接続時から TLS です。",
						en: "`smtp_tls_wrappermode`: port 465 is TLS from the start.",
					},
					{
						when: "auth", line: "smtp_sasl_auth_enable = yes",
						ja: "`smtp_sasl_…`:この設定は SMTP 認証が必要です。",
						en: "`smtp_sasl_…`: this setting requires AUTH.",
					},
					{
						when: "auth",
						line: "smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd",
					},
					{
						when: "auth",
						line: "smtp_sasl_security_options = noanonymous",
					},
					{
						ja: "接続を再使用して、各接続で複数のメールを送ります",
						en: "reuse connections: many messages on each",
					},
					"smtp_connection_cache_destinations = {host}",
					{ when: "!plain", line: "smtp_tls_connection_reuse = yes" },
				],
			},
			notes: [
				"timeouts", "reuse",
				{
					ja: "同じ名前の行がすでにある場合は、古い行を削除します。",
					en: "Where a line of the same name stands already, delete the old one.",
				},
			],
		},
		{
			when: "auth",
			ja: "root だけが読めるファイルを作成します",
			en: "Make a file that only root can read",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo install -m 600 /dev/null /etc/postfix/sasl_passwd"],
			},
		},
		{
			when: "auth",
			ja: "ユーザー名とアプリ パスワードをそのファイルに書きます",
			en: "Write user name and app password into it",
			code: {
				file: "/etc/postfix/sasl_passwd", mode: "write", private: true,
				syntax: "table",
				lines: ["[{host}]:{port} {user}:{password}"],
			},
		},
		{
			role: "reload",
			ja: "Postfix に設定を読み込ませます",
			en: "Reload Postfix",
			code: {
				mode: "run", syntax: "shell", lines: ["sudo postfix reload"],
			},
		},
		sendmail_test,
	],
	foreign: {
		notes: [
			{
				when: "!auth",
				ja: "`myhostname` を別の名前にしておく必要がある場合は、代わりに次の行で EHLO の名前だけを変更します。",
				en: "If `myhostname` has to be another name, change only the EHLO name by this line instead.",
			},
		],
		steps: [
			{
				when: "!auth",
				ja: "`/etc/postfix/main.cf` に次の行を追加し、Postfix に設定を読み込ませます",
				en: "Add this line to `/etc/postfix/main.cf` and reload Postfix",
				code: {
					file: "/etc/postfix/main.cf", mode: "append",
					syntax: "main.cf", lines: ["smtp_helo_name = {helo}"],
				},
			},
		],
	},
	checks: unix_checks({
		ja: "`mailq` で待機中の理由を、`/var/log/mail.log`(または `journalctl -u postfix`)で接続の記録を確認します。",
		en: "See why mail waits by `mailq`, and the connections in `/var/log/mail.log` (or `journalctl -u postfix`).",
	}),
};
