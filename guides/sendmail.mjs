/* Sendmail (SPEC 13.6). */
import { sendmail_test, unix_checks } from "./common.mjs";

export default {
	id: "sendmail",
	title: "Sendmail",
	group: "server",
	can: { tls: true, auth: true, reuse: true, ports: [25, 587] },
	can_text: {
		reuse: {
			ja: "キューの処理時のみ", en: "while it runs its queue",
		},
	},
	requires: [
		{
			ja: "設定を作り直すための `m4` と Sendmail の cf ファイル(Debian:`sendmail`、RHEL:`sendmail-cf`)。",
			en: "`m4` and Sendmail's cf files to rebuild the configuration (Debian: `sendmail`, RHEL: `sendmail-cf`).",
		},
		{
			when: "auth",
			ja: "SASL の PLAIN 機構(Debian:`libsasl2-modules`、RHEL:`cyrus-sasl-plain`)。",
			en: "SASL's PLAIN mechanism (Debian: `libsasl2-modules`, RHEL: `cyrus-sasl-plain`).",
		},
	],
	timeouts: {
		ja: "タイムアウトの変更は不要です。`Timeout.datafinal`(既定値 1 時間)を短くしている場合だけ、その行を ``define(`confTO_DATAFINAL', `1h')dnl`` に戻します。",
		en: "No time-out needs a change. Only if `Timeout.datafinal` was lowered, put it back to 1 hour, its default: ``define(`confTO_DATAFINAL', `1h')dnl``.",
	},
	reuse: {
		ja: "接続の再使用:キューにあるメールは、5 分まで開いたままの接続でまとめて送られます。すぐに送るメールは 1 通ごとに接続します。大量に送る場合は ``define(`confDELIVERY_MODE', `queue')dnl`` を加え、キューの処理間隔を 1 分(`-q1m`)にします。",
		en: "Reuse: queued messages share a connection, kept open for up to 5 minutes. Mail sent at once takes a connection each. To send a lot, add ``define(`confDELIVERY_MODE', `queue')dnl`` and run the queue every minute (`-q1m`).",
	},
	steps: [
		{
			ja: "`/etc/mail/sendmail.mc` の、`MAILER` から始まる最初の行の上に、次の行を追加します",
			en: "Add these lines to `/etc/mail/sendmail.mc`, above the first line that begins with `MAILER`",
			code: {
				file: "/etc/mail/sendmail.mc", mode: "insert", at: "MAILER",
				syntax: "m4",
				lines: [
					"define(`SMART_HOST', `[{host}]')dnl",
					{
						when: "!port25",
						line: "define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl",
						ja: "`RELAY_MAILER_ARGS`:25 以外のポートを使うための行です。",
						en: "`RELAY_MAILER_ARGS`: needed for any port but 25.",
					},
					"define(`confDOMAIN_NAME', `{helo}')dnl",
					{
						when: "tls",
						line: "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl",
						ja: "CA 証明書のファイルは RHEL では `/etc/pki/tls/certs/ca-bundle.crt` です。",
						en: "On RHEL the file of CA certificates is `/etc/pki/tls/certs/ca-bundle.crt`.",
					},
					{
						when: "tls",
						line: "define(`confCACERT_PATH', `/etc/ssl/certs')dnl",
						ja: "`confCACERT_PATH` も必要です。ないと、証明書を確認しません。",
						en: "`confCACERT_PATH` is needed too: without it no certificate is checked.",
					},
					{
						when: "auth",
						line: "FEATURE(`authinfo', `hash -o /etc/mail/authinfo.db')dnl",
						ja: "`authinfo`:この設定は SMTP 認証が必要です。",
						en: "`authinfo`: this setting requires AUTH.",
					},
					{
						when: "auth",
						line: "define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl",
					},
				],
			},
			notes: [
				"timeouts",
				{
					ja: "角かっこは、名前を MX ではなくアドレスとして検索させるためのものです。",
					en: "The brackets make Sendmail look up the address of the name, not its MX.",
				},
				{
					when: "!tls",
					ja: "Sendmail は、リレーが STARTTLS に対応しているため、自動的に TLS で接続します。",
					en: "Sendmail encrypts by itself, as the relay offers STARTTLS.",
				},
			],
		},
		{
			when: "tls",
			ja: "`/etc/mail/access` に次の行を追加します",
			en: "Add this line to `/etc/mail/access`",
			code: {
				file: "/etc/mail/access", mode: "append", syntax: "table",
				lines: ["TLS_Srv:{host}\tVERIFY:112"],
			},
			notes: [{
				ja: "この行により、暗号化と証明書の確認ができない場合は送信せず、後で再試行します。`sendmail.mc` に ``FEATURE(`access_db')`` の行が必要です(Debian と RHEL では最初からあります)。",
				en: "With it nothing is sent without encryption and a certificate of a known CA; Sendmail tries again later. `sendmail.mc` must hold a line ``FEATURE(`access_db')`` (it does on Debian and RHEL).",
			}],
		},
		{
			when: "tls",
			ja: "access のデータベースを作り直します",
			en: "Rebuild the access database",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo sh -c 'makemap hash /etc/mail/access </etc/mail/access'"],
			},
		},
		{
			when: "auth",
			ja: "root だけが読めるファイルを作成します",
			en: "Make a file that only root can read",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo install -m 600 /dev/null /etc/mail/authinfo"],
			},
		},
		{
			when: "auth",
			ja: "ユーザー名とアプリ パスワードをそのファイルに書きます",
			en: "Write user name and app password into it",
			code: {
				file: "/etc/mail/authinfo", mode: "write", private: true,
				syntax: "authinfo",
				lines: ["AuthInfo:{host} \"U{user}\" \"I{user}\" \"P{password}\" \"M:PLAIN\""],
			},
			notes: [{
				ja: "`:` は文字列のまま、`=` は base64 を表します。",
				en: "`:` stands before plain text, `=` before base64.",
			}],
		},
		{
			when: "auth",
			ja: "認証情報のデータベースを作成します",
			en: "Build the database of credentials",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo sh -c 'umask 077; makemap hash /etc/mail/authinfo </etc/mail/authinfo'"],
			},
		},
		{
			ja: "`sendmail.cf` を作り直します",
			en: "Rebuild `sendmail.cf`",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo sh -c 'm4 /etc/mail/sendmail.mc >/etc/mail/sendmail.cf'"],
			},
		},
		{
			role: "reload",
			ja: "Sendmail を停止し、再び開始します",
			en: "Stop Sendmail and start it again",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo systemctl restart sendmail"],
			},
			notes: ["reuse"],
		},
		sendmail_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、上の `confDOMAIN_NAME` の行で決まります。",
			en: "The line `confDOMAIN_NAME` above sets the EHLO name.",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "`mailq` で待機中の理由を、`/var/log/mail.log`(RHEL は `/var/log/maillog`)で接続の記録を確認します。",
		en: "See why mail waits by `mailq`, and the connections in `/var/log/mail.log` (RHEL: `/var/log/maillog`).",
	}),
};
