/* PHP with PHPMailer; what many web applications hold inside. */
import { unix_checks } from "./common.mjs";

export default {
	id: "php",
	title: "PHP (PHPMailer)",
	group: "program",
	can: { tls: true, auth: true, reuse: true },
	requires: [
		{
			ja: "PHP の OpenSSL 拡張と PHPMailer 6 以降(`composer require phpmailer/phpmailer`、Debian:`libphp-phpmailer`)。",
			en: "PHP's OpenSSL extension and PHPMailer 6 or later (`composer require phpmailer/phpmailer`, Debian: `libphp-phpmailer`).",
		},
		{
			ja: "PHP の `mail()` だけを使うアプリケーションでは、代わりに msmtp を設定します。",
			en: "For applications that only call PHP's `mail()` set up msmtp instead.",
		},
	],
	timeouts: {
		ja: "タイムアウトはデフォルト値(5 分)のままにします。",
		en: "Leave the time-out at its default (5 minutes).",
	},
	reuse: {
		ja: "接続の再使用:`SMTPKeepAlive` により、続けて `send()` したメールを同じ接続で送ります。最後に `smtpClose()` を呼びます。",
		en: "Reuse: with `SMTPKeepAlive` further calls of `send()` take the same connection; call `smtpClose()` at the end.",
	},
	steps: [
		{
			ja: "送信する部分を次のようにします",
			en: "Send like this",
			code: {
				file: "test_message.php", mode: "write", private: true,
				syntax: "php",
				lines: [
					"<?php",
					"require 'vendor/autoload.php';",
					"",
					"$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);",
					"$mail->isSMTP();",
					"$mail->Host = '{host}';",
					"$mail->Port = {port};",
					"$mail->Helo = '{helo}';",
					{ when: "plain", line: "$mail->SMTPAutoTLS = false;" },
					{
						when: "tls !implicit", line: "$mail->SMTPSecure = 'tls';",
						ja: "`SMTPSecure`:TLS で接続できないときは送信しません。",
						en: "`SMTPSecure`: without TLS nothing is sent.",
					},
					{
						when: "implicit", line: "$mail->SMTPSecure = 'ssl';",
						ja: "`ssl`:ポート 465 は接続時から TLS です。",
						en: "`ssl`: port 465 is TLS from the start.",
					},
					{
						when: "auth", line: "$mail->SMTPAuth = true;",
						ja: "`SMTPAuth`:この設定は SMTP 認証が必要です。パスワードは環境変数などに置くこともできます。",
						en: "`SMTPAuth`: this setting requires AUTH. The password may as well come from the environment.",
					},
					{ when: "auth", line: "$mail->Username = '{user}';" },
					{ when: "auth", line: "$mail->Password = '{password}';" },
					"$mail->SMTPKeepAlive = true;",
					"",
					"$mail->setFrom('{address}');",
					"$mail->addAddress('{address}');",
					"$mail->Subject = 'test';",
					"$mail->Body = 'hello';",
					"$mail->send();",
					"$mail->smtpClose();",
				],
			},
			notes: [
				"timeouts", "reuse",
				{
					when: "!tls !plain",
					ja: "リレーが STARTTLS に対応しているため、自動的に TLS で接続し、証明書も確認します。",
					en: "As the relay offers STARTTLS, PHPMailer encrypts by itself and checks the certificate.",
				},
				{
					ja: "失敗したときの再送は、アプリケーションの責任です。",
					en: "After a failure sending again is up to the application.",
				},
			],
		},
		{
			role: "test",
			ja: "テストメールを送信します",
			en: "Send a test message",
			code: {
				mode: "run", syntax: "shell", lines: ["php test_message.php"],
			},
			notes: [{
				ja: "設定を変更したときは、PHP-FPM などの常駐プロセスを再読み込みします。",
				en: "After a change reload PHP-FPM or whatever runs the application.",
			}],
		},
	],
	foreign: {
		notes: [
			{
				when: "!auth",
				ja: "EHLO の名前は、上の `Helo` で決まります。",
				en: "`Helo` above sets the EHLO name.",
			},
			{
				ja: "エンベロープ送信者は `$mail->Sender` で From: と別に指定できます。",
				en: "`$mail->Sender` sets the envelope sender apart from From:.",
			},
		],
		steps: [],
	},
	checks: unix_checks({
		ja: "`$mail->SMTPDebug = 2;` を加えて、対話と誤りを表示します。",
		en: "Add `$mail->SMTPDebug = 2;`: it shows the dialogue and what goes wrong.",
	}),
};
