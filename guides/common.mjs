/* What all guides say alike. */
export const common = {
	command: { ja: "コマンド", en: "Command" },
	yes: { ja: "対応", en: "yes" },
	no: { ja: "非対応", en: "no" },
	can: {
		tls: { ja: "TLS", en: "TLS" },
		auth: { ja: "SMTP 認証", en: "SMTP AUTH" },
		reuse: { ja: "接続の再使用", en: "Reuse of connections" },
	},
	make_setting: {
		ja: "TLS を必須にしない設定を作成",
		en: "Make a setting without them",
	},
	port_required: {
		ja: "この設定は TLS が必須のため、ポート 587(STARTTLS)を使います。465(接続時から TLS)と 25(STARTTLS)でも接続できます。",
		en: "This setting requires TLS, so the port is 587 (STARTTLS). 465 (TLS from the start) and 25 (STARTTLS) work too.",
	},
	port_required_starttls: {
		ja: "この設定は TLS が必須のため、ポート 587(STARTTLS)を使います。25(STARTTLS)でも接続できます。",
		en: "This setting requires TLS, so the port is 587 (STARTTLS). 25 (STARTTLS) works too.",
	},
	port_required_25: {
		ja: "この設定は TLS が必須です。ポート 25 で STARTTLS を使います。",
		en: "This setting requires TLS: STARTTLS on port 25.",
	},
	port_auth: {
		ja: "SMTP 認証は TLS での接続時にのみ使えるため、ポート 587(STARTTLS)を使います。",
		en: "AUTH is offered only under TLS, so the port is 587 (STARTTLS).",
	},
	port_free: {
		ja: "手順はこの内容に合わせて変わります。",
		en: "The steps follow these.",
	},
	op25b: {
		ja: "ポート 25 が遮断されている回線(OP25B)では 587 を選んでください。",
		en: "Where the line blocks port 25, choose 587.",
	},
	op25b_only_25: {
		ja: "この製品はポート 25 だけを使います。ポート 25 が遮断されている回線(OP25B)では、同じネットワークの Postfix などを経由させてください。",
		en: "This product sends to port 25 only. Where the line blocks it, send through a Postfix or the like in the same network.",
	},
	foreign_title: {
		ja: "ドメイン外の送信者や空の送信者(配信不能レポート、不在通知)もリレーする場合",
		en: "If foreign or empty senders (bounces, out-of-office) are relayed too",
	},
	foreign: [
		{
			ja: "ドメイン外の送信者は、許可する送信者が「任意のアドレス」の設定でのみ受け付けます。そのエンベロープ送信者は postmaster@{domain} に変更されます。",
			en: "Foreign senders are taken only by a setting that allows any address. Their envelope sender becomes postmaster@{domain}.",
		},
		{
			when: "auth",
			ja: "送信ドメインは SMTP 認証で特定されるため、EHLO の名前は問いません。",
			en: "AUTH tells whose mail it is, so the EHLO name does not matter.",
		},
		{
			when: "!auth",
			ja: "このようなメールの送信ドメインは EHLO(HELO)の名前から特定します。名前は {domain} またはそのサブドメインにしてください。SMTP 認証を使う設定なら、名前は問いません。",
			en: "For such mail the EHLO (HELO) name tells whose it is: it must be {domain} or a name below it. With AUTH the name does not matter.",
		},
		{
			ja: "空の送信者のメールは、1 回のトランザクションで宛先 1 件だけを受け付けます。2 件目以降には 452 4.5.3 を返すため、送信元がもう一度送信します。",
			en: "With an empty sender each transaction may hold one recipient. Further ones get 452 4.5.3 and are sent again by the server.",
		},
	],
	closing: {
		ja: "{product} の設定の変更は、{product} の管理者の判断で行ってください。",
		en: "The {product} administrator decides about its settings.",
	},
};

/* What a reader looks at when no connection comes, on Unix and on Windows:
 * name and port alike, then where the product itself says why. */
export function unix_checks(log) {
	return [
		{
			ja: "このサーバーで `getent hosts {host}` を実行し、アドレスが表示されることを確認します。",
			en: "Run `getent hosts {host}` on this server: it must show an address.",
		},
		{
			ja: "`nc -vz {host} {port}` で接続できることを確認します。できない場合は、ファイアウォールまたは回線がポート {port} を遮断しています。",
			en: "Run `nc -vz {host} {port}`: if it can't connect, a firewall or the line blocks port {port}.",
		},
		log,
	];
}

export function windows_checks(log) {
	return [
		{
			ja: "`nslookup {host}` を実行し、アドレスが表示されることを確認します。",
			en: "Run `nslookup {host}`: it must show an address.",
		},
		{
			ja: "`telnet {host} {port}` で 220 から始まる行が表示されることを確認します。表示されない場合は、ファイアウォールまたは回線がポート {port} を遮断しています。",
			en: "Run `telnet {host} {port}`: a line that begins with 220 must appear. If not, a firewall or the line blocks port {port}.",
		},
		log,
	];
}

/* The lines below the test message of programs that read from stdin. */
export const sendmail_test = {
	role: "test",
	ja: "テストメールを送信します",
	en: "Send a test message",
	code: {
		mode: "run", syntax: "shell",
		lines: [
			"printf 'Subject: test\\n\\nhello\\n' |",
			"  sendmail -f '{address}' '{address}'",
		],
	},
};

/* Where the product's users send as they always do. */
export const outside_test = {
	role: "test",
	ja: "この製品の利用者として、組織の外のアドレスにテストメールを送信し、届くことを確認します",
	en: "As a user of this product send a test message to an address outside your organisation, and see it arrive",
};
