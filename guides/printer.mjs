/* Printers, scanners, storage boxes and other devices with a mail page. */
export default {
	id: "printer",
	title: {
		ja: "複合機、スキャナー、その他の機器",
		en: "Printers, scanners and other devices",
	},
	group: "device",
	can: { tls: true, auth: true, reuse: false },
	can_text: {
		tls: { ja: "機種による", en: "depends on the model" },
		auth: { ja: "機種による", en: "depends on the model" },
		reuse: { ja: "1 通ごとに 1 接続", en: "one connection a message" },
	},
	requires: [
		{
			ja: "機器の管理画面を開く権限。項目の名前は機種により異なります。",
			en: "Access to the device's administration page. Names of the fields differ.",
		},
		{
			when: "tls",
			ja: "TLS 1.2 に対応した機種またはファームウェア。対応していない場合は、TLS を必須にしない設定を使うか、期限付きで古い TLS を受け付けるよう運用者に依頼します。",
			en: "A model or firmware with TLS 1.2. Without it use a setting that does not require TLS, or ask the operator to admit old TLS for your address until an end date.",
		},
	],
	timeouts: {
		ja: "タイムアウトを設定できる場合は、30 秒以上にします。機器にはキューがないため、一時的なエラーのメールは再送されません。",
		en: "If there is a time-out to set, make it 30 seconds or more. Devices have no queue: a message that met a temporary error is not sent again.",
	},
	reuse: {
		ja: "接続の再使用:機器は 1 通ごとに接続します。設定は不要です。",
		en: "Reuse: devices connect for each message; nothing to set.",
	},
	steps: [
		{
			ja: "管理画面で、メール送信(SMTP)の設定を開きます",
			en: "On the administration page open the settings for sending mail (SMTP)",
		},
		{
			ja: "SMTP サーバーに `{host}`、ポート番号に `{port}` を入力します",
			en: "Enter `{host}` as the SMTP server and `{port}` as the port",
		},
		{
			when: "!tls",
			ja: "暗号化で、選べる場合は「STARTTLS」を選びます",
			en: "As encryption choose STARTTLS if there is such a choice",
		},
		{
			when: "tls !implicit",
			ja: "暗号化で「STARTTLS」(「TLS」と表示される機種もあります)を選びます",
			en: "As encryption choose STARTTLS (some models call it TLS)",
			notes: [{
				ja: "この設定は暗号化が必要です。",
				en: "This setting needs encryption.",
			}],
		},
		{
			when: "implicit",
			ja: "暗号化で「SSL/TLS」(接続時から TLS)を選びます",
			en: "As encryption choose SSL/TLS (TLS from the start)",
			notes: [{
				ja: "ポート 465 は接続時から TLS です。",
				en: "Port 465 is TLS from the start.",
			}],
		},
		{
			when: "auth",
			ja: "SMTP 認証を有効にし、ユーザー名 `{user}` とパスワード `{password}` を入力します",
			en: "Turn SMTP authentication on, with user name `{user}` and password `{password}`",
			notes: [{
				ja: "この設定は SMTP 認証が必要です。方式を選べる場合は PLAIN または LOGIN にします。POP before SMTP は使いません。",
				en: "This setting requires AUTH. If there is a choice take PLAIN or LOGIN, not POP before SMTP.",
			}],
		},
		{
			when: "!auth",
			ja: "SMTP 認証を無効にします",
			en: "Turn SMTP authentication off",
		},
		{
			ja: "送信者(機器管理者)のメールアドレスに `{address}` を入力します",
			en: "Enter `{address}` as the sender's (administrator's) address",
		},
		{
			ja: "機器のホスト名とドメイン名を、合わせて `{helo}` になるように設定します",
			en: "Set the device's host and domain name so that together they are `{helo}`",
			notes: [
				{
					ja: "多くの機種では、この名前が EHLO の名前になります。",
					en: "On most models this is the EHLO name.",
				},
				"timeouts", "reuse",
			],
		},
		{
			role: "reload",
			ja: "設定を保存し、求められた場合は機器を再起動します",
			en: "Save, and restart the device if it asks for that",
		},
		{
			role: "test",
			ja: "管理画面の「テスト送信」または「スキャンして送信」で、`{address}` にテストメールを送信します",
			en: "Send a test message to `{address}` by the page's test button, or by scan to mail",
		},
	],
	foreign: {
		notes: [{
			ja: "機器の送信者は、お客様のドメインのアドレスにしてください。スキャンした人のアドレスを送信者にする機能は、ドメイン外のアドレスでは無効にします。",
			en: "Give the device a sender in your own domain. Turn off a function that puts in the address of whoever scans, if that may be a foreign one.",
		}],
		steps: [],
	},
	checks: [
		{
			ja: "機器の DNS サーバーとデフォルト ゲートウェイの設定を確認します。名前の代わりに `{host}` の IP アドレスを入力しないでください。",
			en: "Look at the device's DNS servers and gateway. Do not enter an IP address in place of `{host}`.",
		},
		{
			ja: "同じネットワークのパソコンから `{host}` のポート {port} に接続できることを確認します。",
			en: "See that a computer in the same network can connect to port {port} of `{host}`.",
		},
		{
			ja: "機器の通信履歴(ジョブ ログ)のエラー番号を、機器の説明書で確認します。",
			en: "Look up the error number in the device's job log in its manual.",
		},
	],
};
