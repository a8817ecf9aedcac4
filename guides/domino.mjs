/* IBM Lotus Domino, R5 and R6 as the reference describes them, and later
 * (SPEC 13.4). */
import { outside_test, windows_checks } from "./common.mjs";

const console_ = { ja: "Domino サーバー コンソール", en: "Domino server console" };

export default {
	id: "domino",
	title: "IBM Lotus Domino / HCL Domino",
	group: "server",
	can: { tls: true, auth: true, reuse: true, ports: [25, 587] },
	can_text: {
		tls: {
			ja: "TLS 1.2 は 9.0.1 FP3 以降", en: "TLS 1.2 from 9.0.1 FP3",
		},
		auth: { ja: "R7 以降", en: "from R7" },
	},
	requires: [
		{
			ja: "Domino Administrator。手順は R5 と R6 の画面で説明しますが、以降のバージョンでも大部分は同じです。",
			en: "Domino Administrator. The steps show R5 and R6; later versions differ little.",
		},
		{
			when: "tls",
			ja: "Domino 9.0.1 FP3 以降(TLS 1.2)。R5 から 8.5 までは、TLS を必須にしない設定を使います。",
			en: "Domino 9.0.1 FP3 or later (TLS 1.2). R5 to 8.5 need a setting that does not require TLS.",
		},
	],
	timeouts: {
		ja: "タイムアウトはデフォルト値のままにします。",
		en: "Leave the time-outs at their defaults.",
	},
	reuse: {
		ja: "接続の再使用:Domino は、待機中のメールを開いている接続で続けて送ります。設定は不要です。",
		en: "Reuse: Domino sends waiting messages one after another on an open connection by itself.",
	},
	steps: [
		{
			ja: "Domino Administrator で「設定」タブを開き、「サーバー」→「設定」でこのサーバーの設定文書をダブルクリックします",
			en: "In Domino Administrator open the tab Configuration, Server → Configurations, and double-click this server's document",
		},
		{
			ja: "「サーバー設定の編集」をクリックします",
			en: "Click Edit Server Configuration",
		},
		{
			ja: "「ルーター/SMTP」→「基本」タブの「ローカル インターネット ドメインから送信されるメールのリレー ホスト」に `{host}` を入力します",
			en: "On Router/SMTP → Basics enter `{host}` at Relay host for messages leaving the local internet domain",
		},
		{
			when: "auth",
			ja: "同じタブの「リレー ホストへの送信時に認証を使用する」を有効にし、ユーザー名 `{user}` とパスワード `{password}` を入力します",
			en: "On the same tab enable Use authentication when sending messages to the relay host, with user name `{user}` and password `{password}`",
			notes: [{
				ja: "この設定は SMTP 認証が必要です。",
				en: "This setting requires AUTH.",
			}],
		},
		{
			ja: "「制限と制御」→「転送制御」タブの「初期転送再試行間隔」を 1 分以上にします",
			en: "On Restrictions and Controls → Transfer Controls set the Initial transfer retry interval to 1 minute or more",
			notes: ["timeouts", "reuse"],
		},
		{
			ja: "「保存して閉じる」をクリックします",
			en: "Click Save & Close",
		},
		{
			ja: "サーバー文書の「基本」タブで、「完全修飾インターネット ホスト名」を `{helo}` にします",
			en: "In the server document, tab Basics, set the Fully qualified Internet host name to `{helo}`",
			notes: [{
				ja: "この名前が EHLO の名前になります。",
				en: "This is the EHLO name.",
			}],
		},
		{
			when: "!port25",
			ja: "サーバー文書の「ポート」→「インターネット ポート」→「メール」タブで、SMTP アウトバウンドの TCP/IP ポート番号を `{port}` にします",
			en: "In the server document, Ports → Internet Ports → Mail, set the TCP/IP port number of SMTP Outbound to `{port}`",
		},
		{
			when: "tls",
			ja: "同じタブで、SMTP アウトバウンドの「TCP/IP ポート状態」を「ネゴシエート SSL」にします",
			en: "There set the TCP/IP port status of SMTP Outbound to Negotiated SSL",
			notes: [{
				ja: "`notes.ini` に `RouterFallbackNonTLS=1` がある場合は削除します。あると、TLS に失敗したとき暗号化せずに送ろうとして、リレーに拒否されます。",
				en: "Take `RouterFallbackNonTLS=1` out of `notes.ini` if it is there: after a failed handshake it would send in clear, and be refused.",
			}],
		},
		{
			role: "reload",
			ja: "ルーターを終了し、再び読み込みます",
			en: "End the router and load it again",
			code: {
				head: console_, mode: "run", syntax: "plain",
				lines: ["tell router quit", "load router"],
			},
		},
		outside_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、上の「完全修飾インターネット ホスト名」で決まります。",
			en: "The Fully qualified Internet host name above is the EHLO name.",
		}],
		steps: [],
	},
	checks: windows_checks({
		ja: "サーバー コンソールの `tell router show queues` と、`mail.box` の「配信不能」の理由を確認します。",
		en: "See `tell router show queues` on the server console, and the failure reasons in `mail.box`.",
	}),
};
