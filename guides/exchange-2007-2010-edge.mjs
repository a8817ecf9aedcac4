/* Microsoft Exchange 2007 and 2010 behind an edge server (SPEC 13.2). */
import base from "./exchange-2007-2010.mjs";
import { outside_test } from "./common.mjs";

const CONNECTOR =
	"Get-SendConnector | Where-Object { $_.Name -like 'EdgeSync - * to Internet' }";

export default {
	...base,
	id: "exchange-2007-2010-edge",
	title: {
		ja: "Microsoft Exchange 2007 / 2010(エッジサーバーあり)",
		en: "Microsoft Exchange 2007 / 2010 (with edge server)",
	},
	requires: [
		{
			ja: "購読済みのエッジ トランスポート サーバー。リレーに接続するのはエッジサーバーなので、登録する IP アドレスもエッジサーバーのものです。",
			en: "A subscribed edge transport server. It is the edge that connects, so its address is the one to list.",
		},
		...base.requires.slice(1),
	],
	steps: [
		{
			ja: "ハブ サーバーの Exchange 管理コンソールで「組織の構成」→「ハブ トランスポート」→「送信コネクタ」タブを開きます",
			en: "On the hub, in the Exchange Management Console, open Organization Configuration → Hub Transport → tab Send Connectors",
		},
		{
			ja: "「EdgeSync – (サイト名)からインターネットへ」をダブルクリックします",
			en: "Double-click EdgeSync – (your site) to Internet",
		},
		{
			ja: "「アドレス スペース」タブに `*` があることを確認します",
			en: "On the tab Address Space see that `*` is there",
		},
		{
			ja: "「ネットワーク」タブで「ドメイン セキュリティを有効にする(相互認証 TLS)」をオフにします",
			en: "On the tab Network untick Enable Domain Security (Mutual Auth TLS)",
			notes: [{
				ja: "オンのままでは、Exchange が相互認証を要求するため接続できません。暗号化を妨げるものではありません。",
				en: "Left on, Exchange demands mutual authentication and can't connect. Mail is encrypted all the same.",
			}],
		},
		{
			ja: "同じタブで「メールを次のスマート ホストを経由してルーティングする」を選び、「追加」をクリックして `{host}` を入力します",
			en: "There choose Route mail through the following smart hosts, click Add and enter `{host}`",
		},
		{
			when: "auth",
			ja: "「スマート ホスト認証」の「変更」で「基本認証」と「TLS 経由の基本認証」を選び、ユーザー名 `{user}` とパスワード `{password}` を入力します",
			en: "By Change at smart host authentication choose Basic Authentication and Basic Authentication over TLS, with user name `{user}` and password `{password}`",
			notes: [{
				ja: "この設定は SMTP 認証が必要です。",
				en: "This setting requires AUTH.",
			}],
		},
		{
			ja: "「送信元サーバー」タブに、正しいエッジ サブスクリプションがあることを確認します",
			en: "On the tab Source Server see that the right edge subscription is there",
			notes: ["timeouts", "reuse"],
		},
		{
			ja: "Exchange 管理シェルで、EHLO の名前、ポート、暗号化を設定します",
			en: "In the Exchange Management Shell set the EHLO name, port and encryption",
			code: {
				head: { ja: "Exchange 管理シェル", en: "Exchange Management Shell" },
				mode: "run", syntax: "powershell",
				lines: [
					`${CONNECTOR} | Set-SendConnector -Fqdn '{helo}' -Port {port}`,
					{
						when: "tls",
						line: `${CONNECTOR} | Set-SendConnector -RequireTLS $true`,
						ja: "`-RequireTLS`:TLS で接続できないときは送信せず、後で再試行します。",
						en: "`-RequireTLS`: without TLS nothing is sent; Exchange tries again later.",
					},
				],
			},
		},
		{
			role: "reload",
			ja: "設定をエッジサーバーに送ります",
			en: "Hand the settings to the edge",
			code: {
				head: { ja: "Exchange 管理シェル", en: "Exchange Management Shell" },
				mode: "run", syntax: "powershell",
				lines: ["Start-EdgeSynchronization"],
			},
		},
		{
			ja: "エッジサーバーで、送信コネクタがハブ サーバーのものと同じであることを確認します",
			en: "On the edge see that the send connector is the same as on the hub",
		},
		{
			ja: "エッジサーバーの受信コネクタの「ネットワーク」タブで、IP 範囲にすべてのハブ サーバーが含まれていることを確認します",
			en: "On the edge's receive connector, tab Network: the IP ranges hold every hub server",
		},
		{
			ja: "同じ受信コネクタの「認証」タブで「Exchange Server 認証」がオンであることを確認します",
			en: "Same connector, tab Authentication: Exchange Server authentication is on",
		},
		{
			ja: "同じ受信コネクタの「許可グループ」タブで「Exchange サーバー」がオンであることを確認します",
			en: "Same connector, tab Permission Groups: Exchange servers is on",
		},
		outside_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、送信コネクタの `-Fqdn` で決まります。",
			en: "`-Fqdn` of the send connector sets the EHLO name.",
		}],
		steps: [],
	},
};
