/* Apple Mac OS X Server 10.3 to 10.6 and the Server app (SPEC 13.7). Its mail
 * service is an old Postfix. */
import { outside_test, unix_checks } from "./common.mjs";

export default {
	id: "macos-server",
	title: "Apple Mac OS X Server",
	group: "server",
	can: { tls: false, auth: false, reuse: true, ports: [25, 587] },
	can_text: {
		tls: {
			ja: "TLS 1.0 まで(このリレーは 1.2 以降のみ)",
			en: "up to TLS 1.0 (this relay takes 1.2 and later)",
		},
		auth: { ja: "TLS がないため使用不可", en: "not without TLS" },
	},
	cannot: {
		ja: "Mac OS X Server の OpenSSL 0.9.8 の TLS は 1.0 までです。このリレーは TLS 1.2 以降だけを受け付けるため、この設定では接続できません。",
		en: "OpenSSL 0.9.8 of Mac OS X Server speaks TLS 1.0 at most and this relay takes 1.2 and later: it cannot use this setting.",
	},
	instead: [
		{
			ja: "TLS も SMTP 認証も必須にせず、このサーバーの IP アドレスだけを許可する設定を作成します。",
			en: "Make a setting that requires neither and admits only this server's address.",
		},
		{
			ja: "または、新しい Postfix を動かす別のマシンを経由させます。",
			en: "Or go through another machine with a current Postfix.",
		},
		{
			ja: "または、期限付きで古い TLS を受け付けるよう運用者に依頼します。",
			en: "Or ask the operator to admit old TLS for your address, which he can do until an end date.",
		},
	],
	requires: [{
		ja: "「サーバ管理」(10.7 以降は Server アプリ)でメールサービスを変更する権限。",
		en: "Rights to change the mail service in Server Admin (from 10.7 in the Server app).",
	}],
	timeouts: {
		ja: "タイムアウトはデフォルト値のままにします。",
		en: "Leave the time-outs at their defaults.",
	},
	reuse: {
		ja: "接続の再使用:キューが長くなると、自動的に接続を再使用します。設定は不要です。",
		en: "Reuse: when its queue is long it reuses connections by itself.",
	},
	steps: [
		{
			ja: "「サーバ管理」で「メール」を選び、「設定」をクリックします",
			en: "In Server Admin choose Mail and click Settings",
		},
		{
			when: "port25",
			ja: "「すべてのメールをこのホストを経由してリレーする」に `{host}` を入力します",
			en: "At Relay all mail through this host enter `{host}`",
		},
		{
			when: "!port25",
			ja: "「すべてのメールをこのホストを経由してリレーする」に `[{host}]:{port}` を入力します",
			en: "At Relay all mail through this host enter `[{host}]:{port}`",
		},
		{
			ja: "「保存」をクリックして「サーバ管理」を閉じます",
			en: "Click Save and close Server Admin",
			notes: ["timeouts", "reuse"],
		},
		{
			ja: "EHLO の名前を設定します",
			en: "Set the EHLO name",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo postconf -e 'smtp_helo_name = {helo}'"],
			},
			notes: [{
				ja: "設定しないと `server.local` などの一般的な名前になることがあります。",
				en: "Without it the name may be a generic one such as `server.local`.",
			}],
		},
		{
			role: "reload",
			ja: "メールサービスを再起動します",
			en: "Restart the mail service",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo serveradmin stop mail", "sudo serveradmin start mail"],
			},
		},
		outside_test,
	],
	foreign: {
		notes: [{
			ja: "EHLO の名前は、上の `smtp_helo_name` で決まります。",
			en: "`smtp_helo_name` above sets the EHLO name.",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "`mailq` で待機中の理由を、`/var/log/mail.log` で接続の記録を確認します。",
		en: "See why mail waits by `mailq`, and the connections in `/var/log/mail.log`.",
	}),
};
