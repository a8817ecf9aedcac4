/* qmail 1.03, netqmail, notqmail (SPEC 13.8). */
import { unix_checks } from "./common.mjs";

export default {
	id: "qmail",
	title: "qmail",
	group: "server",
	can: { tls: false, auth: false, reuse: false, ports: [25, 587] },
	can_text: {
		reuse: {
			ja: "宛先ごとに 1 接続", en: "one connection a recipient",
		},
	},
	cannot: {
		ja: "qmail は TLS と SMTP 認証に対応していません。この設定では接続できません。",
		en: "qmail has neither TLS nor AUTH: it cannot use this setting.",
	},
	instead: [
		{
			ja: "TLS も SMTP 認証も必須にせず、この qmail の IP アドレスだけを許可する設定を作成します。",
			en: "Make a setting that requires neither and admits only this qmail's address.",
		},
		{
			ja: "または、同じネットワークの Postfix などを経由させます。qmail からその Postfix へ送り、Postfix が TLS と SMTP 認証でリレーに接続します。",
			en: "Or go through a Postfix or the like in the same network: qmail sends to it, and it signs in to the relay with TLS.",
		},
	],
	requires: [
		{
			ja: "qmail 1.03、netqmail または notqmail。`/var/qmail` にあるものとして説明します。",
			en: "qmail 1.03, netqmail or notqmail, taken to live in `/var/qmail`.",
		},
	],
	timeouts: {
		ja: "タイムアウトの既定値は 1,200 秒で、十分な長さです。短くしている場合だけ、`/var/qmail/control/timeoutremote`(送信時の値)と `/var/qmail/control/timeoutsmtpd`(受信時の値)を 900 以上に戻します。",
		en: "The default time-out of 1,200 seconds is long enough. Only if it was lowered, put `/var/qmail/control/timeoutremote` (what counts for sending) and `/var/qmail/control/timeoutsmtpd` (receiving) to 900 or more.",
	},
	reuse: {
		ja: "接続の再使用:qmail は宛先ごとに新しい接続を使います。同時に使う接続は `concurrencyremote`(既定値 20)までで、リレーはこれを受け付けます。変更は不要です。",
		en: "Reuse: qmail opens a connection for each recipient, `concurrencyremote` (20) of them at a time. The relay takes that; nothing to change.",
	},
	steps: [
		{
			ja: "`/var/qmail/control/smtproutes` に次の行を追加します(ファイルがなければ作成します)",
			en: "Add this line to `/var/qmail/control/smtproutes` (make the file if there is none)",
			code: {
				file: "/var/qmail/control/smtproutes", mode: "append",
				syntax: "plain", lines: [":{host}:{port}"],
			},
			notes: [{
				ja: "社内のドメインをリレー経由にしない場合は、その上に `社内ドメイン:そのサーバー` の行を加えます(例:`corp.{domain}:mail.corp.{domain}`)。",
				en: "For internal domains that shall not go through the relay add lines `DOMAIN:ITS-SERVER` above it, such as `corp.{domain}:mail.corp.{domain}`.",
			}],
		},
		{
			ja: "HELO の名前を `/var/qmail/control/helohost` に書きます",
			en: "Write the HELO name into `/var/qmail/control/helohost`",
			code: {
				file: "/var/qmail/control/helohost", mode: "write",
				syntax: "plain", lines: ["{helo}"],
			},
			notes: ["timeouts", "reuse"],
		},
		{
			role: "reload",
			ja: "qmail を停止し、再び開始します",
			en: "Stop qmail and start it again",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo svc -d /service/qmail-send", "sudo svc -u /service/qmail-send"],
			},
			notes: [{
				ja: "daemontools を使っていない場合は、導入時の起動スクリプト(`qmailctl restart` など)を使います。",
				en: "Without daemontools use the start script of your installation, such as `qmailctl restart`.",
			}],
		},
		{
			role: "test",
			ja: "テストメールを送信します",
			en: "Send a test message",
			code: {
				mode: "run", syntax: "shell",
				lines: [
					"printf 'Subject: test\\n\\nhello\\n' |",
					"  /var/qmail/bin/qmail-inject -f '{address}' '{address}'",
				],
			},
		},
	],
	foreign: {
		notes: [{
			ja: "qmail は SMTP 認証に対応していないため、HELO の名前が必ず必要です。上の `helohost` の行で決まります。",
			en: "qmail has no AUTH, so the HELO name is needed: the file `helohost` above sets it.",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "`/var/qmail/bin/qmail-qread` で待機中のメールを、`/var/log/qmail/current` で `deferral` の行を確認します。",
		en: "See what waits by `/var/qmail/bin/qmail-qread`, and lines with `deferral` in `/var/log/qmail/current`.",
	}),
};
