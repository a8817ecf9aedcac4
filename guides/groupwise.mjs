/* Novell GroupWise, its Internet Agent GWIA (SPEC 13.5). */
import { outside_test, unix_checks } from "./common.mjs";

export default {
	id: "groupwise",
	title: "Novell GroupWise",
	group: "server",
	can: { tls: true, auth: true, reuse: false, ports: [25] },
	can_text: {
		tls: {
			ja: "TLS 1.2 は GroupWise 2014 R2 以降",
			en: "TLS 1.2 from GroupWise 2014 R2",
		},
		reuse: {
			ja: "送信スレッドごとに 1 接続", en: "a connection a send thread",
		},
	},
	requires: [
		{
			ja: "ConsoleOne(GroupWise 2014 以降は管理コンソール)で Internet Agent(GWIA)を変更する権限。",
			en: "Rights to change the Internet Agent (GWIA) in ConsoleOne, from GroupWise 2014 in the administration console.",
		},
		{
			when: "tls",
			ja: "GroupWise 2014 R2 以降(TLS 1.2)。それより前では、TLS を必須にしない設定を使います。",
			en: "GroupWise 2014 R2 or later (TLS 1.2). Before, use a setting that does not require TLS.",
		},
	],
	timeouts: {
		ja: "先にタイムアウトを延ばします。既定値は短く、途中で接続を切ってしまうためです。",
		en: "The time-outs come first: their defaults are short and cut connections off.",
	},
	reuse: {
		ja: "接続の再使用:GWIA は送信スレッドごとに接続を開きます。スレッドの数が同時接続数です。",
		en: "Reuse: GWIA opens a connection for each send thread; their number is that of connections at a time.",
	},
	steps: [
		{
			ja: "ConsoleOne で Internet Agent オブジェクトを右クリックし、「Properties」を選びます",
			en: "In ConsoleOne right-click the Internet Agent object and choose Properties",
		},
		{
			ja: "「SMTP/MIME」タブの「Timeouts」で、Commands を `5` 分、Data を `3` 分、Connection Establishment を `2` 分、Initial Greeting を `5` 分、TCP Read を `5` 分、Connection Termination を `15` 分にします",
			en: "On SMTP/MIME → Timeouts set, in minutes: Commands `5`, Data `3`, Connection Establishment `2`, Initial Greeting `5`, TCP Read `5`, Connection Termination `15`",
			notes: ["timeouts"],
		},
		{
			ja: "「Apply」をクリックします",
			en: "Click Apply",
		},
		{
			ja: "「SMTP/MIME」→「Settings」の「SMTP Send Threads」を、GroupWise サーバーが安全に扱える同時接続の最大数にします",
			en: "On SMTP/MIME → Settings set SMTP Send Threads to the most connections at a time that the GroupWise server can safely hold",
			notes: ["reuse"],
		},
		{
			ja: "同じ画面の「Hostname/DNS \"A Record\" Name」を `{helo}` にします",
			en: "There set Hostname/DNS \"A Record\" name to `{helo}`",
			notes: [{
				ja: "この名前が EHLO の名前になります。",
				en: "This is the EHLO name.",
			}],
		},
		{
			ja: "同じ画面の「Relay Host for Outbound Messages」に `{host}` を入力します",
			en: "There enter `{host}` at Relay Host for Outbound Messages",
		},
		{
			ja: "「Apply」、「OK」の順にクリックします",
			en: "Click Apply, then OK",
		},
		{
			when: "tls",
			ja: "「GroupWise」→「Network Address」で、SMTP の SSL を「Enabled」にします",
			en: "On GroupWise → Network Address set SSL for SMTP to Enabled",
			notes: [{
				ja: "暗号化が必要な設定です。`--sslsmtp` などの起動オプションがある場合は、そちらが優先されます。",
				en: "This setting needs encryption. Start-up switches such as `--sslsmtp` win over it.",
			}],
		},
		{
			when: "auth",
			ja: "ドメインのフォルダーの `wpgate/gwia/gwauth.cfg` に次の行を書きます",
			en: "Write this line into `wpgate/gwia/gwauth.cfg` of the domain's folder",
			code: {
				file: "wpgate/gwia/gwauth.cfg", mode: "write", private: true,
				syntax: "table", lines: ["{host} {user} {password}"],
			},
			notes: [{
				ja: "この設定は SMTP 認証が必要です。GWIA の起動オプションに `--forceoutboundauth` を加えると、認証できないときは送信しません。",
				en: "This setting requires AUTH. With the start-up switch `--forceoutboundauth` GWIA sends nothing unless it could sign in.",
			}],
		},
		{
			role: "reload",
			ja: "GWIA を再起動します(Linux の場合)",
			en: "Restart GWIA (on Linux)",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo rcgrpwise restart gwia"],
			},
			notes: [{
				ja: "NetWare では GWIA の画面で F7 を押して終了し、再び読み込みます。",
				en: "On NetWare press F7 on GWIA's screen and load it again.",
			}],
		},
		outside_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、上の「Hostname/DNS \"A Record\" Name」で決まります。",
			en: "Hostname/DNS \"A Record\" name above is the EHLO name.",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "GWIA のログ(`wpgate/gwia/000.prc`)と、送信待ちの `wpgate/gwia/send` フォルダーを確認します。",
		en: "See GWIA's log (`wpgate/gwia/000.prc`) and what waits in the folder `wpgate/gwia/send`.",
	}),
};
