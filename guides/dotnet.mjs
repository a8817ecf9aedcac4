/* .NET with MailKit. */
import { windows_checks } from "./common.mjs";

export default {
	id: "dotnet",
	title: ".NET (MailKit)",
	group: "program",
	can: { tls: true, auth: true, reuse: true },
	requires: [{
		ja: ".NET 6 以降と MailKit(`dotnet add package MailKit`)。`System.Net.Mail.SmtpClient` は EHLO の名前を指定できず、ポート 465 も使えないため、おすすめしません。",
		en: ".NET 6 or later and MailKit (`dotnet add package MailKit`). `System.Net.Mail.SmtpClient` lets nobody choose the EHLO name and can't use port 465; better not.",
	}],
	timeouts: {
		ja: "タイムアウトはデフォルト値(2 分)のままにします。",
		en: "Leave the time-out at its default (2 minutes).",
	},
	reuse: {
		ja: "接続の再使用:`Disconnect` するまで、`Send` を繰り返すと同じ接続で送ります。",
		en: "Reuse: until `Disconnect`, further calls of `Send` take the same connection.",
	},
	steps: [
		{
			ja: "送信する部分を次のようにします",
			en: "Send like this",
			code: {
				file: "Program.cs", mode: "write", private: true,
				syntax: "csharp",
				lines: [
					"using MailKit.Net.Smtp;",
					"using MailKit.Security;",
					"using MimeKit;",
					"",
					"var message = new MimeMessage();",
					"message.From.Add(MailboxAddress.Parse(\"{address}\"));",
					"message.To.Add(MailboxAddress.Parse(\"{address}\"));",
					"message.Subject = \"test\";",
					"message.Body = new TextPart(\"plain\") { Text = \"hello\" };",
					"",
					"using var relay = new SmtpClient { LocalDomain = \"{helo}\" };",
					{
						when: "plain",
						line: "relay.Connect(\"{host}\", {port}, SecureSocketOptions.None);",
					},
					{
						when: "!plain !implicit",
						line: "relay.Connect(\"{host}\", {port}, SecureSocketOptions.StartTls);",
						ja: "`StartTls`:暗号化し、証明書も確認します。TLS で接続できないときは送信しません。",
						en: "`StartTls`: encrypts and checks the certificate; without TLS nothing is sent.",
					},
					{
						when: "implicit",
						line: "relay.Connect(\"{host}\", {port}, SecureSocketOptions.SslOnConnect);",
						ja: "`SslOnConnect`:ポート 465 は接続時から TLS です。",
						en: "`SslOnConnect`: port 465 is TLS from the start.",
					},
					{
						when: "auth",
						line: "relay.Authenticate(\"{user}\", \"{password}\");",
						ja: "`Authenticate`:この設定は SMTP 認証が必要です。パスワードは環境変数などに置くこともできます。",
						en: "`Authenticate`: this setting requires AUTH. The password may as well come from the environment.",
					},
					"relay.Send(message);",
					"relay.Disconnect(true);",
				],
			},
			notes: [
				"timeouts", "reuse",
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
			code: { mode: "run", syntax: "plain", lines: ["dotnet run"] },
			notes: [{
				ja: "設定を変更したときは、アプリケーションを再起動します。",
				en: "After a change restart the application.",
			}],
		},
	],
	foreign: {
		notes: [
			{
				when: "!auth",
				ja: "EHLO の名前は、上の `LocalDomain` で決まります。",
				en: "`LocalDomain` above sets the EHLO name.",
			},
			{
				ja: "エンベロープ送信者は `relay.Send(message, sender, recipients)` で From: と別に指定できます。",
				en: "`relay.Send(message, sender, recipients)` sets the envelope sender apart from From:.",
			},
		],
		steps: [],
	},
	checks: windows_checks({
		ja: "`new SmtpClient(new ProtocolLogger(Console.OpenStandardError()))` とすると、対話が表示されます。",
		en: "With `new SmtpClient(new ProtocolLogger(Console.OpenStandardError()))` it shows the dialogue.",
	}),
};
