/* Microsoft Exchange 2013, 2016, 2019 and Subscription Edition. */
import { outside_test, windows_checks } from "./common.mjs";

const shell = { ja: "Exchange 管理シェル", en: "Exchange Management Shell" };

export default {
	id: "exchange-2013-se",
	title: "Microsoft Exchange 2013 / 2016 / 2019 / SE",
	seen: "exchange",
	group: "server",
	can: { tls: true, auth: true, reuse: true, ports: [25, 587] },
	requires: [
		{
			ja: "組織の管理者権限と、外部へ送信するすべてのメールボックス サーバー。",
			en: "Rights of an organisation administrator, and every mailbox server that sends to the outside.",
		},
		{
			when: "tls",
			ja: "TLS 1.2。Exchange 2013 と 2016 では、Windows のレジストリで有効にする必要がある場合があります。",
			en: "TLS 1.2; under Exchange 2013 and 2016 it may have to be turned on in the Windows registry.",
		},
	],
	timeouts: {
		ja: "タイムアウトはデフォルト値のままにします。",
		en: "Leave the time-outs at their defaults.",
	},
	reuse: {
		ja: "接続の再使用:Exchange は 1 つの接続で 20 通まで送ります。設定は不要です。",
		en: "Reuse: Exchange sends up to 20 messages on a connection by itself.",
	},
	steps: [
		{
			when: "auth",
			ja: "ユーザー名とアプリ パスワードを変数に入れます",
			en: "Put user name and app password into a variable",
			code: {
				head: shell, mode: "run", syntax: "powershell",
				lines: [
					"$secret = ConvertTo-SecureString '{password}' -AsPlainText -Force",
					"$login = New-Object PSCredential '{user}', $secret",
				],
			},
			notes: [{
				ja: "この設定は SMTP 認証が必要です。",
				en: "This setting requires AUTH.",
			}],
		},
		{
			ja: "すべての外部宛てメールをリレーに送る送信コネクタを作成します",
			en: "Make a send connector that hands all mail to the outside to the relay",
			code: {
				head: shell, mode: "run", syntax: "powershell",
				lines: [
					"New-SendConnector 'Outbound' -Internet -AddressSpaces '*' `",
					"  -DNSRoutingEnabled $false -SmartHosts '{host}' `",
					"  -SourceTransportServers (Get-TransportService).Name",
				],
			},
			notes: [{
				ja: "管理センターでは「メール フロー」→「送信コネクタ」→「+」で同じ内容を設定できます(ポートと EHLO の名前を除く)。以前の送信コネクタは無効にします。",
				en: "In the admin center it is Mail flow → Send connectors → + (but port and EHLO name). Disable the send connector of before.",
			}],
		},
		{
			role: "reload",
			ja: "EHLO の名前、ポート、暗号化を設定します",
			en: "Set the EHLO name, port and encryption",
			code: {
				head: shell, mode: "run", syntax: "powershell",
				lines: [
					"Set-SendConnector 'Outbound' -Fqdn '{helo}' -Port {port}",
					{
						when: "tls",
						line: "Set-SendConnector 'Outbound' -RequireTLS $true -TlsAuthLevel DomainValidation -TlsDomain '{host}'",
						ja: "`-RequireTLS`、`-TlsDomain`:TLS と正しい証明書がないときは送信せず、後で再試行します。",
						en: "`-RequireTLS`, `-TlsDomain`: without TLS and a good certificate nothing is sent; Exchange tries again later.",
					},
					{
						when: "auth",
						line: "Set-SendConnector 'Outbound' -SmartHostAuthMechanism BasicAuthRequireTLS -AuthenticationCredential $login",
					},
				],
			},
			notes: [
				{
					ja: "数分以内に反映されます。サービスの再起動は不要です。",
					en: "It takes effect within minutes, without a restart.",
				},
				"timeouts", "reuse",
			],
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
	checks: windows_checks({
		ja: "`Get-Queue | Format-List Identity,LastError` で最後のエラーを確認します。",
		en: "See the last error by `Get-Queue | Format-List Identity,LastError`.",
	}),
};
