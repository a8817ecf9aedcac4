/* Java with Jakarta Mail. */
import { unix_checks } from "./common.mjs";

export default {
	id: "java",
	title: "Java (Jakarta Mail)",
	group: "program",
	can: { tls: true, auth: true, reuse: true },
	requires: [{
		ja: "Java 11 以降と Jakarta Mail 2(`jakarta.mail`、Debian:`libjakarta-mail-java`)。JavaMail 1 では `jakarta.mail` を `javax.mail` に読み替えます。",
		en: "Java 11 or later and Jakarta Mail 2 (`jakarta.mail`, Debian: `libjakarta-mail-java`). For JavaMail 1 read `javax.mail` in place of `jakarta.mail`.",
	}],
	timeouts: {
		ja: "タイムアウトは 60 秒以上にします。既定値は無期限のため、必ず指定します。",
		en: "Give time-outs of 60 seconds or more; without them it waits for ever.",
	},
	reuse: {
		ja: "接続の再使用:`Transport` を開いたまま `sendMessage` を繰り返すと、同じ接続で送ります。`Transport.send` は 1 通ごとに接続します。",
		en: "Reuse: call `sendMessage` again on the open `Transport`. `Transport.send` connects for each message.",
	},
	steps: [
		{
			ja: "送信する部分を次のようにします",
			en: "Send like this",
			code: {
				file: "TestMessage.java", mode: "write", private: true,
				syntax: "java",
				lines: [
					"import jakarta.mail.Message;",
					"import jakarta.mail.Session;",
					"import jakarta.mail.internet.InternetAddress;",
					"import jakarta.mail.internet.MimeMessage;",
					"import java.util.Properties;",
					"",
					"public class TestMessage {",
					"  public static void main(String[] args) throws Exception {",
					"    var p = new Properties();",
					"    p.put(\"mail.smtp.localhost\", \"{helo}\");",
					"    p.put(\"mail.smtp.from\", \"{address}\");",
					{
						when: "!plain !implicit",
						line: "    p.put(\"mail.smtp.starttls.enable\", \"true\");",
					},
					{
						when: "tls !implicit",
						line: "    p.put(\"mail.smtp.starttls.required\", \"true\");",
						ja: "`starttls.required`:TLS で接続できないときは送信しません。",
						en: "`starttls.required`: without TLS nothing is sent.",
					},
					{
						when: "implicit",
						line: "    p.put(\"mail.smtp.ssl.enable\", \"true\");",
						ja: "`ssl.enable`:ポート 465 は接続時から TLS です。",
						en: "`ssl.enable`: port 465 is TLS from the start.",
					},
					{
						when: "!plain",
						line: "    p.put(\"mail.smtp.ssl.checkserveridentity\", \"true\");",
					},
					{
						when: "auth",
						line: "    p.put(\"mail.smtp.auth\", \"true\");",
						ja: "`auth`:この設定は SMTP 認証が必要です。パスワードは環境変数などに置くこともできます。",
						en: "`auth`: this setting requires AUTH. The password may as well come from the environment.",
					},
					"    for (var t : new String[] {\"connectiontimeout\", \"timeout\", \"writetimeout\"})",
					"      p.put(\"mail.smtp.\" + t, \"60000\");",
					"    var session = Session.getInstance(p);",
					"    var message = new MimeMessage(session);",
					"    message.setFrom(\"{address}\");",
					"    message.setRecipients(Message.RecipientType.TO, \"{address}\");",
					"    message.setSubject(\"test\");",
					"    message.setText(\"hello\");",
					"    message.saveChanges();",
					"    try (var relay = session.getTransport(\"smtp\")) {",
					{
						when: "!auth",
						line: "      relay.connect(\"{host}\", {port}, null, null);",
					},
					{
						when: "auth",
						line: "      relay.connect(\"{host}\", {port}, \"{user}\", \"{password}\");",
					},
					"      relay.sendMessage(message, message.getAllRecipients());",
					"    }",
					"  }",
					"}",
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
			code: {
				mode: "run", syntax: "shell",
				lines: ["java -cp '/usr/share/java/*' TestMessage.java"],
			},
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
				ja: "EHLO の名前は、上の `mail.smtp.localhost` で決まります。",
				en: "`mail.smtp.localhost` above sets the EHLO name.",
			},
			{
				ja: "空の送信者で送るには、`mail.smtp.from` を `<>` にします。",
				en: "For an empty sender set `mail.smtp.from` to `<>`.",
			},
		],
		steps: [],
	},
	checks: unix_checks({
		ja: "`session.setDebug(true);` を加えて、対話と誤りを表示します。",
		en: "Add `session.setDebug(true);`: it shows the dialogue and what goes wrong.",
	}),
};
