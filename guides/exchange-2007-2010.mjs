/* Microsoft Exchange 2007 and 2010 without an edge server (SPEC 13.1). */
import { outside_test, windows_checks } from "./common.mjs";

export default {
	id: "exchange-2007-2010",
	title: {
		ja: "Microsoft Exchange 2007 / 2010(エッジサーバーなし)",
		en: "Microsoft Exchange 2007 / 2010 (without edge server)",
	},
	seen: "exchange",
	group: "server",
	can: { tls: true, auth: true, reuse: true, ports: [25, 587] },
	can_text: {
		tls: {
			ja: "TLS 1.2 は Exchange 2010 SP3 と Windows Server 2008 R2 以降",
			en: "TLS 1.2 from Exchange 2010 SP3 on Windows Server 2008 R2",
		},
	},
	requires: [
		{
			ja: "組織の管理者権限と、メールを外部に送信するすべてのハブ トランスポート サーバー。",
			en: "Rights of an organisation administrator, and every hub transport server that sends to the outside.",
		},
		{
			when: "tls",
			ja: "TLS 1.2。このリレーは TLS 1.0 を受け付けません。Windows の更新プログラムとレジストリで TLS 1.2 を有効にしてください。Exchange 2007(Windows Server 2008)では使えないため、TLS を必須にしない設定を使います。",
			en: "TLS 1.2: this relay does not take 1.0. Turn it on in Windows by updates and the registry. Exchange 2007 on Windows Server 2008 can't; use a setting that does not require TLS.",
		},
	],
	timeouts: {
		ja: "Exchange のタイムアウト値はデフォルトで最適です。増やす必要はありません。",
		en: "Leave Exchange's time-outs at their defaults; none needs raising.",
	},
	reuse: {
		ja: "接続の再使用:Exchange は 1 つの接続で 20 通まで送り、10 分間開いておきます。設定は不要です。",
		en: "Reuse: Exchange sends up to 20 messages on a connection and keeps it for 10 minutes by itself.",
	},
	steps: [
		{
			ja: "Exchange 管理コンソールで「組織の構成」→「ハブ トランスポート」→「送信コネクタ」タブを開きます",
			en: "In the Exchange Management Console open Organization Configuration → Hub Transport → tab Send Connectors",
		},
		{
			ja: "操作ウィンドウで「SMTP 送信コネクタの新規作成」を選びます",
			en: "In the Actions pane choose New Send Connector",
		},
		{
			ja: "名前を `Outbound`、用途を「インターネット」にして「次へ」をクリックします",
			en: "Name it `Outbound`, choose the use Internet, and click Next",
		},
		{
			ja: "「追加」をクリックし、アドレス スペースに `*` を入力して、「すべてのサブドメインを含む」をオンにします",
			en: "Click Add, enter the address space `*` and tick Include all subdomains",
			notes: [{
				ja: "すべての外部宛てメールがこのコネクタを通ります。",
				en: "All mail to the outside then takes this connector.",
			}],
		},
		{
			ja: "「ネットワーク設定」で「メールを次のスマート ホストを経由してルーティングする」を選び、「追加」をクリックします",
			en: "On Network settings choose Route mail through the following smart hosts and click Add",
		},
		{
			ja: "「完全修飾ドメイン名」に `{host}` を入力します",
			en: "Enter `{host}` as the fully qualified domain name",
		},
		{
			when: "!auth",
			ja: "「スマート ホスト認証設定の構成」で「なし」を選びます",
			en: "On Configure smart host authentication settings choose None",
		},
		{
			when: "auth",
			ja: "「スマート ホスト認証設定の構成」で「基本認証」と「TLS 経由の基本認証」を選び、ユーザー名 `{user}` とパスワード `{password}` を入力します",
			en: "On Configure smart host authentication settings choose Basic Authentication and Basic Authentication over TLS, with user name `{user}` and password `{password}`",
			notes: [{
				ja: "この設定は SMTP 認証が必要です。",
				en: "This setting requires AUTH.",
			}],
		},
		{
			ja: "「送信元サーバー」に、外部へ送信するハブ サーバー(ブリッジヘッド)をすべて追加します",
			en: "On Source Server add every hub server that sends to the outside (the bridgeheads)",
		},
		{
			ja: "「新規作成」、「終了」の順にクリックします",
			en: "Click New, then Finish",
			notes: ["timeouts", "reuse"],
		},
		{
			role: "reload",
			ja: "Exchange 管理シェルで、EHLO の名前、ポート、暗号化を設定します",
			en: "In the Exchange Management Shell set the EHLO name, port and encryption",
			code: {
				head: { ja: "Exchange 管理シェル", en: "Exchange Management Shell" },
				mode: "run", syntax: "powershell",
				lines: [
					"Set-SendConnector 'Outbound' -Fqdn '{helo}' -Port {port}",
					{
						when: "tls",
						line: "Set-SendConnector 'Outbound' -RequireTLS $true",
						ja: "`-RequireTLS`:TLS で接続できないときは送信せず、後で再試行します。",
						en: "`-RequireTLS`: without TLS nothing is sent; Exchange tries again later.",
					},
				],
			},
			notes: [
				{
					ja: "数分以内に反映されます。サービスの再起動は不要です。",
					en: "It takes effect within minutes, without a restart.",
				},
				{
					when: "!tls",
					ja: "「接続の確認」に TLS のエラーが表示される場合(TLS 1.0 しか使えない場合)は、`Set-SendConnector 'Outbound' -IgnoreSTARTTLS $true` で暗号化を使わずに送信します。",
					en: "If the live check shows a TLS error (TLS 1.0 only), send without encryption: `Set-SendConnector 'Outbound' -IgnoreSTARTTLS $true`.",
				},
			],
		},
		outside_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、送信コネクタの `-Fqdn` で決まります(コンソールでは「全般」タブの「HELO または EHLO への応答で返す FQDN」)。",
			en: "`-Fqdn` of the send connector sets the EHLO name (in the console: tab General, the FQDN given in response to HELO or EHLO).",
		}],
		steps: [],
	},
	checks: windows_checks({
		ja: "キュー ビューアーで「最後のエラー」を確認します(シェル:`Get-Queue | Format-List Identity,LastError`)。",
		en: "See the last error in the Queue Viewer (shell: `Get-Queue | Format-List Identity,LastError`).",
	}),
};
