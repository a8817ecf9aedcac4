/* Exim 4.94 and later. */
import { sendmail_test, unix_checks } from "./common.mjs";

const FILE = "/etc/exim4/exim4.conf";

export default {
	id: "exim",
	title: "Exim",
	group: "server",
	can: { tls: true, auth: true, reuse: true },
	can_text: {
		reuse: {
			ja: "待機中のメールがあるとき", en: "while messages wait",
		},
	},
	requires: [{
		ja: "Exim 4.94 以降。設定ファイルを `/etc/exim4/exim4.conf` として説明します(RHEL:`/etc/exim/exim.conf`)。Debian の分割された設定では、それぞれの部分を `/etc/exim4/conf.d` の `router/190_relay`、`transport/30_relay`、`auth/30_relay` に書きます。",
		en: "Exim 4.94 or later. Its file is taken to be `/etc/exim4/exim4.conf` (RHEL: `/etc/exim/exim.conf`). In Debian's split form the pieces go to `router/190_relay`, `transport/30_relay` and `auth/30_relay` below `/etc/exim4/conf.d`.",
	}],
	timeouts: {
		ja: "タイムアウト(`command_timeout`、`data_timeout`、`final_timeout`)はデフォルト値のままにします。",
		en: "Leave the time-outs (`command_timeout`, `data_timeout`, `final_timeout`) at their defaults.",
	},
	reuse: {
		ja: "接続の再使用:Exim は、同じ宛先サーバーに待機中のメールがあれば、1 つの接続で 500 通まで送ります(`connection_max_messages`)。",
		en: "Reuse: while messages wait for the same host, Exim sends up to 500 on one connection (`connection_max_messages`).",
	},
	steps: [
		{
			ja: "`begin routers` の行の下に、ルーターを追加します",
			en: "Add a router below the line `begin routers`",
			code: {
				file: FILE, mode: "after", at: "begin routers", syntax: "exim",
				lines: [
					"relay:",
					"  driver = manualroute",
					"  domains = ! +local_domains",
					"  transport = relay",
					"  route_list = * {host}::{port} byname",
					"  no_more",
				],
			},
			notes: [{
				ja: "`+local_domains` は、このサーバーが配信するドメインの一覧です。Exim の標準の設定では最初から定義されています。",
				en: "`+local_domains` is the list of domains that this server delivers itself; Exim's standard files define it.",
			}],
		},
		{
			ja: "`begin transports` の行の下に、トランスポートを追加します",
			en: "Add a transport below the line `begin transports`",
			code: {
				file: FILE, mode: "after", at: "begin transports",
				syntax: "exim",
				lines: [
					"relay:",
					"  driver = smtp",
					"  helo_data = {helo}",
					{
						when: "plain", line: "  hosts_avoid_tls = *",
					},
					{
						when: "implicit", line: "  protocol = smtps",
						ja: "`smtps`:ポート 465 は接続時から TLS です。",
						en: "`smtps`: port 465 is TLS from the start.",
					},
					{
						when: "tls", line: "  hosts_require_tls = *",
						ja: "`hosts_require_tls`:TLS で接続できないときは送信せず、後で再試行します。",
						en: "`hosts_require_tls`: without TLS nothing is sent; Exim tries again later.",
					},
					{
						when: "tls", line: "  tls_verify_hosts = *",
						ja: "`tls_verify_hosts`:証明書の名前も確認します。",
						en: "`tls_verify_hosts`: the name in the certificate is checked.",
					},
					{
						when: "tls",
						line: "  tls_verify_certificates = /etc/ssl/certs/ca-certificates.crt",
					},
					{
						when: "auth", line: "  hosts_require_auth = *",
						ja: "`hosts_require_auth`:この設定は SMTP 認証が必要です。",
						en: "`hosts_require_auth`: this setting requires AUTH.",
					},
				],
			},
			notes: ["timeouts", "reuse"],
		},
		{
			when: "auth",
			ja: "`begin authenticators` の行の下に、ユーザー名とアプリ パスワードを追加します",
			en: "Add user name and app password below the line `begin authenticators`",
			code: {
				file: FILE, mode: "after", at: "begin authenticators",
				syntax: "exim",
				lines: [
					"relay_login:",
					"  driver = plaintext",
					"  public_name = PLAIN",
					"  client_send = \"^{user}^{password}\"",
				],
			},
			notes: [{
				ja: "設定ファイルは root と Exim だけが読めるようにします:`sudo chown root:Debian-exim /etc/exim4/exim4.conf; sudo chmod 640 /etc/exim4/exim4.conf`(RHEL のグループは `exim`)。",
				en: "Let only root and Exim read the file: `sudo chown root:Debian-exim /etc/exim4/exim4.conf; sudo chmod 640 /etc/exim4/exim4.conf` (on RHEL the group is `exim`).",
			}],
		},
		{
			ja: "設定に誤りがないことを確認します",
			en: "Check the file for mistakes",
			code: {
				mode: "run", syntax: "shell", lines: ["sudo exim4 -bV"],
			},
			notes: [{
				ja: "RHEL のコマンド名は `exim` です。",
				en: "On RHEL the command is `exim`.",
			}],
		},
		{
			role: "reload",
			ja: "Exim を再起動します",
			en: "Restart Exim",
			code: {
				mode: "run", syntax: "shell",
				lines: ["sudo systemctl restart exim4"],
			},
		},
		sendmail_test,
	],
	foreign: {
		notes: [{
			when: "!auth",
			ja: "EHLO の名前は、上の `helo_data` の行で決まります。",
			en: "The line `helo_data` above sets the EHLO name.",
		}],
		steps: [],
	},
	checks: unix_checks({
		ja: "`sudo exim4 -bp` で待機中のメールを、`/var/log/exim4/mainlog` で理由を確認します。",
		en: "See what waits by `sudo exim4 -bp`, and why in `/var/log/exim4/mainlog`.",
	}),
};
