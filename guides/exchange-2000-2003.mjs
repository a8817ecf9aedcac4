/* Microsoft Exchange 2000 and 2003 (SPEC 13.3). */
import { outside_test, windows_checks } from "./common.mjs";

export default {
	id: "exchange-2000-2003",
	title: "Microsoft Exchange 2000 / 2003",
	seen: "exchange",
	group: "server",
	can: { tls: false, auth: false, reuse: true, ports: [25, 587] },
	can_text: {
		tls: {
			ja: "TLS 1.0 まで(このリレーは 1.2 以降のみ)",
			en: "up to TLS 1.0 (this relay takes 1.2 and later)",
		},
		auth: {
			ja: "TLS がないため使用不可", en: "not without TLS",
		},
	},
	cannot: {
		ja: "Exchange 2000 / 2003 の TLS は 1.0 までです。このリレーは TLS 1.2 以降だけを受け付けるため、この設定では接続できません。",
		en: "Exchange 2000 / 2003 speaks TLS 1.0 at most and this relay takes 1.2 and later: it cannot use this setting.",
	},
	instead: [
		{
			ja: "TLS も SMTP 認証も必須にせず、このサーバーの IP アドレスだけを許可する設定を作成します。",
			en: "Make a setting that requires neither and admits only this server's address.",
		},
		{
			ja: "または、同じネットワークの Postfix などを経由させます。",
			en: "Or go through a Postfix or the like in the same network.",
		},
		{
			ja: "または、期限付きで古い TLS を受け付けるよう運用者に依頼します。",
			en: "Or ask the operator to admit old TLS for your address, which he can do until an end date.",
		},
	],
	requires: [{
		ja: "Exchange システム マネージャーを使う権限。",
		en: "Rights to use the Exchange System Manager.",
	}],
	timeouts: {
		ja: "再試行の間隔以外のタイムアウトは変更しないでください。",
		en: "Beside these retry intervals leave the time-outs as they are.",
	},
	reuse: {
		ja: "接続の再使用:SMTP 仮想サーバーは、1 つの接続で 20 通まで送ります。設定は不要です。",
		en: "Reuse: the virtual server sends up to 20 messages on a connection by itself.",
	},
	steps: [
		{
			ja: "「SMTP 仮想サーバー」を右クリックして「プロパティ」を選びます",
			en: "Right-click the SMTP virtual server and choose Properties",
		},
		{
			ja: "「配信」タブの「送信」で、再試行の間隔(分)を 1 回目 `1`、2 回目 `1`、3 回目 `3`、それ以降 `5` にします",
			en: "On the tab Delivery, Outbound, set the retry intervals in minutes: first `1`, second `1`, third `3`, subsequent `5`",
			notes: ["timeouts", "reuse"],
		},
		{
			ja: "「配信」タブの「詳細設定」で、「完全修飾ドメイン名」を `{helo}` にします",
			en: "By Advanced on the tab Delivery set the fully-qualified domain name to `{helo}`",
			notes: [{
				ja: "この名前が EHLO の名前になります。",
				en: "This is the EHLO name.",
			}],
		},
		{
			when: "!port25",
			ja: "「配信」タブの「送信接続」で、TCP ポートを `{port}` にします",
			en: "By Outbound connections on the tab Delivery set the TCP port to `{port}`",
		},
		{
			ja: "「コネクタ」で「SMTP コネクタ」(または「インターネット メール SMTP コネクタ」)を右クリックして「プロパティ」を選びます",
			en: "Under Connectors right-click the SMTP connector (or the Internet Mail SMTP connector) and choose Properties",
		},
		{
			ja: "「全般」タブで、スマート ホストに `{host}` を入力します",
			en: "On the tab General enter `{host}` as the smart host",
		},
		{
			ja: "「OK」をクリックして保存します",
			en: "Click OK",
		},
		{
			role: "reload",
			ja: "SMTP サービスを再起動します",
			en: "Restart the SMTP service",
			code: {
				mode: "run", syntax: "plain",
				lines: ["net stop smtpsvc", "net start smtpsvc"],
			},
		},
		outside_test,
	],
	foreign: {
		notes: [{
			ja: "EHLO の名前は、上の「完全修飾ドメイン名」で決まります。",
			en: "The fully-qualified domain name above is the EHLO name.",
		}],
		steps: [],
	},
	checks: windows_checks({
		ja: "システム マネージャーの「キュー」で、再試行中のキューの詳細を確認します。",
		en: "In the System Manager look at Queues, at the details of those in retry.",
	}),
};
