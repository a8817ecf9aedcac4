/*
 * The client's sessions: greeting, EHLO, STARTTLS, AUTH, and peers that
 * break the protocol (RELIABILITY 2.1, outbound side).
 */
#include "unit/smtp/client_script.h"

#define HELLO "S: 220 b.example\nC: EHLO me.example\n"
#define MAIL "C: MAIL FROM:<a@a.example>\n"
#define R1 "C: RCPT TO:<r1@b.example>\n"
#define BYE "C: QUIT\nS: 221 bye\n"

static void greetings_and_hellos(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "nothing to do", HELLO "S: 250 b.example\n" BYE,
		  "READY CLOSED", .outcomes = NULL },
		{ "greeting of many lines", "S: 220-b.example\nS: 220 hi\n"
		  "C: EHLO me.example\nS: 250 b.example\n" BYE,
		  "READY CLOSED", .outcomes = NULL },
		{ "greeting 421", "S: 421 4.3.2 later\n", "FAILED",
		  .kind = ERR_TEMPORARY, .scope = SCOPE_HOST },
		{ "greeting 450", "S: 450 4.3.2 later\n", "FAILED",
		  .kind = ERR_TEMPORARY, .scope = SCOPE_HOST },
		{ "greeting 554", "S: 554 5.7.1 no mail here\n", "FAILED",
		  .kind = ERR_PERMANENT, .scope = SCOPE_HOST },
		{ "greeting 354", "S: 354 go\n", "FAILED",
		  .kind = ERR_PROTOCOL, .scope = SCOPE_HOST },
		{ "EHLO unknown: HELO", HELLO "S: 500 what?\n"
		  "C: HELO me.example\nS: 250 b.example\n" BYE,
		  "READY CLOSED", .outcomes = NULL },
		{ "HELO refused", HELLO "S: 502 what?\n"
		  "C: HELO me.example\nS: 550 5.7.1 no\n", "FAILED",
		  .kind = ERR_PERMANENT, .scope = SCOPE_HOST },
		{ "EHLO 4yz", HELLO "S: 451 later\n", "FAILED",
		  .kind = ERR_TEMPORARY, .scope = SCOPE_HOST },
		{ "EHLO 421", HELLO "S: 421 later\n", "FAILED",
		  .kind = ERR_TEMPORARY, .scope = SCOPE_HOST },
		{ "LHLO refused", "S: 220 x\nC: LHLO me.example\n"
		  "S: 500 what?\n", "FAILED", .lmtp = true,
		  .kind = ERR_PERMANENT, .scope = SCOPE_HOST },
		{ "HELO knows no extensions", HELLO "S: 500 what?\n"
		  "C: HELO me.example\nS: 250-b.example\nS: 250 PIPELINING\n"
		  MAIL "S: 250 ok\n" R1 "S: 250 ok\nC: DATA\nS: 354 go\n"
		  "C: .\nS: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 1, .body = "" },
		{ "QUIT answered 250", HELLO "S: 250 x\nC: QUIT\nS: 250 ok\n",
		  "READY CLOSED", .outcomes = NULL },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void rfc3207_starttls(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "offered", HELLO "S: 250-x\nS: 250 STARTTLS\n"
		  "C: STARTTLS\nS: 220 go\nC: <tls>\nC: EHLO me.example\n"
		  "S: 250 x\n" BYE, "READY CLOSED",
		  .tls = SMTP_TLS_OPPORTUNISTIC },
		{ "extensions are forgotten", HELLO
		  "S: 250-x\nS: 250-PIPELINING\nS: 250 starttls\n"
		  "C: STARTTLS\nS: 220 go\nC: <tls>\nC: EHLO me.example\n"
		  "S: 250 x\n" MAIL "S: 550 no\n" BYE,
		  "READY DONE READY CLOSED", "550 0.0.0 message MAIL",
		  .recipients = 1, .transactions = 1, .body = "",
		  .tls = SMTP_TLS_REQUIRED },
		{ "not twice", HELLO "S: 250-x\nS: 250 STARTTLS\n"
		  "C: STARTTLS\nS: 220 go\nC: <tls>\nC: EHLO me.example\n"
		  "S: 250-x\nS: 250 STARTTLS\n" BYE, "READY CLOSED",
		  .tls = SMTP_TLS_REQUIRED },
		{ "never", HELLO "S: 250-x\nS: 250 STARTTLS\n" BYE,
		  "READY CLOSED", .tls = SMTP_TLS_NEVER },
		{ "implicit", HELLO "S: 250-x\nS: 250 STARTTLS\n" BYE,
		  "READY CLOSED", .tls = SMTP_TLS_REQUIRED,
		  .implicit_tls = true },
		{ "D4: stripped, opportunistic", HELLO "S: 250 x\n" BYE,
		  "READY CLOSED", .tls = SMTP_TLS_OPPORTUNISTIC },
		{ "D4: stripped, required", HELLO "S: 250 x\n", "FAILED",
		  .tls = SMTP_TLS_REQUIRED, .kind = ERR_TEMPORARY,
		  .scope = SCOPE_HOST },
		{ "D4: 454, opportunistic", HELLO
		  "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 busy\n" BYE,
		  "READY CLOSED", .tls = SMTP_TLS_OPPORTUNISTIC },
		{ "D4: 454, required", HELLO
		  "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 busy\n",
		  "FAILED", .tls = SMTP_TLS_REQUIRED, .kind = ERR_TEMPORARY,
		  .scope = SCOPE_HOST },
		{ "554, required: still temporary", HELLO
		  "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 554 no\n",
		  "FAILED", .tls = SMTP_TLS_REQUIRED, .kind = ERR_TEMPORARY,
		  .scope = SCOPE_HOST },
		{ "bytes behind the 220", HELLO
		  "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\n"
		  "S: 220 go\nS: 250-x\nS: 250 AUTH PLAIN\n", "FAILED",
		  .tls = SMTP_TLS_REQUIRED, .kind = ERR_PROTOCOL,
		  .scope = SCOPE_SESSION, .whole_only = true },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

/* Even half a reply behind the 220 is too much; and what the peer offered in
 * clear is not believed any more. */
static void rfc3207_4_2_nothing_passes_from_clear_to_tls(void **state)
{
	(void)state;
	static const char *const behind[] = { "2", "421 bye\r\n", "\r\n",
					      "\x16" };
	struct limits limits;
	limits_defaults(&limits);
	for (size_t i = 0; i <= ARRAY_LEN(behind); i++) {
		struct smtp_client_config config = {
			.ehlo_name = SLICE("me"), .limits = &limits,
			.tls = SMTP_TLS_OPPORTUNISTIC };
		struct smtp_client *c = smtp_client_new(&config);
		struct buf out, reply;
		struct err err;
		slice in = SLICE("220 x\r\n");
		buf_init(&out, 1000);
		buf_init(&reply, 1000);
		assert_int_equal(smtp_client_next(c, &in, &out, &err),
				 SMTP_CLIENT_NEED_INPUT);
		in = SLICE("250-x\r\n250-CHUNKING\r\n250 STARTTLS\r\n");
		assert_int_equal(smtp_client_next(c, &in, &out, &err),
				 SMTP_CLIENT_NEED_INPUT);
		assert_true(smtp_client_extensions(c)->chunking);
		buf_append(&reply, SLICE("220 go\r\n"));
		if (i < ARRAY_LEN(behind))
			buf_append(&reply, slice_of(behind[i]));
		in = buf_slice(&reply);
		enum smtp_client_event e = smtp_client_next(c, &in, &out,
							    &err);
		if (i < ARRAY_LEN(behind)) {
			assert_int_equal(e, SMTP_CLIENT_FAILED);
			assert_int_equal(err.kind, ERR_PROTOCOL);
		} else {
			assert_int_equal(e, SMTP_CLIENT_START_TLS);
			assert_false(smtp_client_is_tls(c));
			smtp_client_tls_started(c);
			assert_true(smtp_client_is_tls(c));
			assert_false(smtp_client_extensions(c)->chunking);
		}
		buf_fini(&out);
		buf_fini(&reply);
		smtp_client_free(&c);
	}
}

static void rfc4954_auth(void **state)
{
	(void)state;
	/* base64 by hand: \0alice\0secret, alice, secret */
#define TOKEN "AGFsaWNlAHNlY3JldA=="
#define TLS .implicit_tls = true, .user = "alice", .password = "secret"
	static const struct script scripts[] = {
		{ "PLAIN", HELLO "S: 250-x\nS: 250 AUTH LOGIN PLAIN\n"
		  "C: AUTH PLAIN " TOKEN "\nS: 235 ok\n" BYE, "READY CLOSED",
		  TLS },
		{ "PLAIN, initial response ignored", HELLO
		  "S: 250-x\nS: 250 AUTH PLAIN\nC: AUTH PLAIN " TOKEN "\n"
		  "S: 334 \nC: " TOKEN "\nS: 235 ok\n" BYE, "READY CLOSED",
		  TLS },
		{ "LOGIN", HELLO "S: 250-x\nS: 250 auth login cram-md5\n"
		  "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\n"
		  "S: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 ok\n" BYE,
		  "READY CLOSED", TLS },
		{ "old form of the keyword", HELLO
		  "S: 250-x\nS: 250 AUTH=LOGIN\n"
		  "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\n"
		  "S: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 ok\n" BYE,
		  "READY CLOSED", TLS },
		{ "refused", HELLO "S: 250-x\nS: 250 AUTH PLAIN\n"
		  "C: AUTH PLAIN " TOKEN "\nS: 535 5.7.8 wrong\n", "FAILED",
		  TLS, .kind = ERR_TEMPORARY, .scope = SCOPE_DESTINATION },
		{ "refused for now", HELLO "S: 250-x\nS: 250 AUTH PLAIN\n"
		  "C: AUTH PLAIN " TOKEN "\nS: 454 4.7.0 busy\n", "FAILED",
		  TLS, .kind = ERR_TEMPORARY, .scope = SCOPE_DESTINATION },
		{ "421", HELLO "S: 250-x\nS: 250 AUTH PLAIN\n"
		  "C: AUTH PLAIN " TOKEN "\nS: 421 bye\n", "FAILED",
		  TLS, .kind = ERR_TEMPORARY, .scope = SCOPE_HOST },
		{ "not offered", HELLO "S: 250-x\nS: 250 AUTH GSSAPI\n",
		  "FAILED", TLS, .kind = ERR_TEMPORARY,
		  .scope = SCOPE_DESTINATION },
		{ "endless challenges", HELLO "S: 250-x\nS: 250 AUTH PLAIN\n"
		  "C: AUTH PLAIN " TOKEN "\nS: 334 \nC: " TOKEN "\n"
		  "S: 334 \n", "FAILED", TLS, .kind = ERR_PROTOCOL,
		  .scope = SCOPE_SESSION },
		{ "235 before the password", HELLO
		  "S: 250-x\nS: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 235 ok\n",
		  "FAILED", TLS, .kind = ERR_PROTOCOL,
		  .scope = SCOPE_SESSION },
		{ "never in clear by itself", HELLO
		  "S: 250-x\nS: 250 AUTH PLAIN\n", "FAILED",
		  .user = "alice", .password = "secret",
		  .kind = ERR_TEMPORARY, .scope = SCOPE_DESTINATION },
		{ "in clear when configured", HELLO
		  "S: 250-x\nS: 250 AUTH PLAIN\nC: AUTH PLAIN " TOKEN "\n"
		  "S: 235 ok\n" BYE, "READY CLOSED", .auth_in_clear = true,
		  .user = "alice", .password = "secret" },
		{ "after STARTTLS", HELLO
		  "S: 250-x\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\n"
		  "C: STARTTLS\nS: 220 go\nC: <tls>\nC: EHLO me.example\n"
		  "S: 250-x\nS: 250 AUTH PLAIN\nC: AUTH PLAIN " TOKEN "\n"
		  "S: 235 ok\n" BYE, "READY CLOSED",
		  .tls = SMTP_TLS_OPPORTUNISTIC, .user = "alice",
		  .password = "secret" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void replies_that_nobody_asked_for(void **state)
{
	(void)state;
#define PROTOCOL .kind = ERR_PROTOCOL, .scope = SCOPE_SESSION
#define PIPE HELLO "S: 250-x\nS: 250 PIPELINING\n"
	static const struct script scripts[] = {
		{ "with the greeting", "S: 220 x\nS: 250 x\n", "FAILED",
		  .whole_only = true, PROTOCOL },
		{ "with the reply to EHLO", HELLO "S: 250 x\nS: 250 ok\n",
		  "FAILED", .whole_only = true, PROTOCOL,
		  .transactions = 1, .recipients = 1, .body = "" },
		{ "two for one command, lock-step", HELLO "S: 250 x\n" MAIL
		  "S: 250 ok\nS: 250 ok\n", "READY FAILED",
		  "?0 4.4.2 session RCPT", .whole_only = true, PROTOCOL,
		  .transactions = 1, .recipients = 1, .body = "" },
		{ "two for one command, pipelined: DATA gets 250", PIPE MAIL
		  R1 "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n",
		  "READY FAILED", "?0 4.4.2 session DATA", PROTOCOL,
		  .transactions = 1, .recipients = 1, .body = "x" },
		{ "the verdict before the body", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nS: 250 taken\n",
		  "READY FAILED", "?0 4.4.2 session DATA", PROTOCOL,
		  .whole_only = true,
		  .transactions = 1, .recipients = 1, .body = "x" },
		{ "354 to RCPT", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 354 ok\n", "READY FAILED",
		  "?0 4.4.2 session RCPT", PROTOCOL,
		  .transactions = 1, .recipients = 1, .body = "x" },
		{ "354 to the dot", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\nS: 354 go\n",
		  "READY FAILED", "?0 4.4.2 session dot", PROTOCOL,
		  .transactions = 1, .recipients = 1, .body = "x",
		  .ambiguous = true },
		{ "a second verdict", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\nS: 550 no\n", "READY DONE FAILED",
		  "250 0.0.0 none dot", PROTOCOL, .whole_only = true,
		  .transactions = 1, .recipients = 1, .body = "x" },
		{ "when idle", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\nC: QUIT\nS: 221 bye\nS: 250 and more\n",
		  "READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .transactions = 1, .recipients = 1, .body = "x" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void replies_in_bad_form_end_the_session(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	static const struct {
		slice bytes;
	} rows[] = {
		{ SLICE("250 ok\n") }, { SLICE("250-a\n250 b\r\n") },
		{ SLICE("250 a\rb\r\n") }, { SLICE("250 a\0b\r\n") },
		{ SLICE("250 ok\r\r\n") }, { SLICE("\r\n") },
		{ SLICE("25\r\n") }, { SLICE("abc\r\n") },
		{ SLICE("150 ok\r\n") }, { SLICE("650 ok\r\n") },
		{ SLICE("250ok\r\n") }, { SLICE("2500 ok\r\n") },
		{ SLICE("250_ok\r\n") }, { SLICE(" 250 ok\r\n") },
		{ SLICE("250-a\r\n550 b\r\n") },
		{ SLICE("250-a\r\nb\r\n") }, { SLICE("\x16\x03\x01\n") },
		{ SLICE("HTTP/1.1 400 Bad Request\r\n") },
	};
	static const struct script s = { .name = "bad form", .recipients = 1,
					 .transactions = 1, .body = "x" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (int bytewise = 0; bytewise < 2; bytewise++) {
			static struct player p;
			slice bytes = rows[i].bytes;
			player_init(&p, &s, &limits, 1);
			player_feed(&p, SLICE("220 x\r\n"));
			size_t n = bytewise ? 1 : bytes.n;
			for (; bytes.n > 0; bytes = slice_skip(bytes, n))
				player_feed(&p, slice_sub(bytes, 0, n));
			if (!p.over || p.err.kind != ERR_PROTOCOL ||
			    p.err.scope != SCOPE_SESSION)
				fail_msg("row %zu", i);
			assert_slice_eq(buf_slice(&p.events), "FAILED");
			player_fini(&p);
		}
	}
}

static void replies_without_end_are_bounded(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	static const struct script s = { .name = "endless" };
	static const slice rows[] = { SLICE("250-x\r\n"), SLICE("a"),
				      SLICE("250-aaaaaaaaaaaaaaaaaaaaaaaa") };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct player p;
		player_init(&p, &s, &limits, 1);
		player_feed(&p, SLICE("220 x\r\n"));
		size_t fed = 0;
		while (!p.over && fed < 1 << 20) {
			player_feed(&p, rows[i]);
			fed += rows[i].n;
		}
		assert_true(p.over);
		assert_true(fed <= limits.reply_bytes + rows[i].n);
		assert_int_equal(p.err.kind, ERR_PROTOCOL);
		player_fini(&p);
	}
}

/* n - 1, n, n + 1 of each bound. */
static void reply_bounds_are_exact(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	static const struct script s = { .name = "bounds" };
	for (int over = -1; over <= 1; over++) {
		static struct player p;
		static char line[8192];
		size_t n = limits.reply_line + (size_t)over;
		memset(line, 'a', sizeof(line));
		memcpy(line, "250 ", 4);
		memcpy(line + n - 2, "\r\n", 2);
		for (size_t piece = 1; piece < 10000; piece += 9998) {
			player_init(&p, &s, &limits, 1);
			player_feed(&p, SLICE("220 x\r\n"));
			slice all = { line, n };
			for (; all.n > 0; all = slice_skip(all, piece))
				player_feed(&p, slice_sub(all, 0, piece));
			assert_int_equal(p.over, over > 0);
			player_fini(&p);
		}
		player_init(&p, &s, &limits, 1);
		player_feed(&p, SLICE("220 x\r\n"));
		size_t lines = limits.reply_lines + (size_t)over;
		for (size_t i = 1; i < lines; i++)
			player_feed(&p, SLICE("250-x\r\n"));
		player_feed(&p, SLICE("250 x\r\n"));
		assert_int_equal(p.over, over > 0);
		player_fini(&p);
	}
}

static void reply_bytes_are_bounded(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	limits.reply_bytes = 4096;
	limits.reply_lines = 10000;
	static const struct script s = { .name = "bytes" };
	for (int over = -1; over <= 1; over++) {
		static struct player p;
		player_init(&p, &s, &limits, 1);
		player_feed(&p, SLICE("220 x\r\n"));
		for (int i = 0; i < 511; i++)	/* of 8 bytes each */
			player_feed(&p, SLICE("250-ab\r\n"));
		player_feed(&p, over < 0 ? SLICE("250 a\r\n")
				: over == 0 ? SLICE("250 ab\r\n")
					    : SLICE("250 abc\r\n"));
		assert_int_equal(p.over, over > 0);
		player_fini(&p);
	}
}

static void extensions_are_read(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	static const struct script s = { .name = "extensions" };
	static struct player p;
	player_init(&p, &s, &limits, 1);
	player_feed(&p, SLICE("220 x\r\n250-x SIZE CHUNKING\r\n"));
	assert_true(p.over);	/* greeting and more at once */
	player_fini(&p);
	player_init(&p, &s, &limits, 1);
	player_feed(&p, SLICE("220 x\r\n"));
	player_feed(&p, SLICE(
		"250-x SIZE CHUNKING\r\n250-size 35882577 \r\n"
		"250-8BITMIME\r\n250-smtpUTF8\r\n250-DSN\r\n"
		"250-AUTH PLAIN XOAUTH2\r\n250-BINARYMIME\r\n"
		"250-LIMITS RCPTMAX=50 MAILMAX=20 RCPTDOMAINMAX=1\r\n"
		"250-X-NOISE \x80\xff\r\n250-REQUIRETLS\r\n"
		"250-ENHANCEDSTATUSCODES\r\n250 PIPELINING\r\n"));
	const struct smtp_extensions *e = smtp_client_extensions(p.client);
	assert_true(e->size && e->eight_bit && e->smtputf8 && e->dsn &&
		    e->auth_plain && e->binarymime && e->requiretls &&
		    e->enhanced && e->pipelining);
	assert_false(e->chunking || e->starttls || e->auth_login);
	assert_int_equal(e->size_max, 35882577);
	assert_int_equal(e->rcpt_max, 50);
	assert_int_equal(e->mail_max, 20);
	player_fini(&p);
	player_init(&p, &s, &limits, 1);
	player_feed(&p, SLICE("220 x\r\n"));
	player_feed(&p, SLICE("250-CHUNKING x\r\n250-SIZE 99999999999999999999\r\n"
			      "250-LIMITS RCPTMAX=-1 MAILMAX=0 RCPTMAX=\r\n"
			      "250-\r\n250- PIPELINING\r\n250 SIZES 3\r\n"));
	e = smtp_client_extensions(p.client);
	assert_true(e->size && e->size_max == 0);
	assert_false(e->chunking);	/* a name, no keyword */
	assert_int_equal(e->rcpt_max, 0);
	assert_int_equal(e->mail_max, 0);
	player_fini(&p);
}

static void w9_a_lost_connection_leaves_no_ghost(void **state)
{
	(void)state;
	static const struct {
		const char *replies[5];
		bool ambiguous;
		const char *outcome;
	} rows[] = {
		{ { "220 x\r\n" }, false, "" },
		{ { "220 x\r\n", "250 x\r\n" }, false, "MAIL" },
		{ { "220 x\r\n", "250 x\r\n", "250 ok\r\n" }, false, "RCPT" },
		{ { "220 x\r\n", "250 x\r\n", "250 ok\r\n", "250 ok\r\n" },
		  false, "DATA" },
		{ { "220 x\r\n", "250 x\r\n", "250 ok\r\n", "250 ok\r\n",
		    "354 go\r\n" }, true, "dot" },
	};
	static const struct script s = { .name = "lost", .recipients = 1,
					 .transactions = 1, .body = "x" };
	struct limits limits;
	limits_defaults(&limits);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct player p;
		struct err err;
		player_init(&p, &s, &limits, 1);
		for (size_t k = 0; k < 5 && rows[i].replies[k]; k++)
			player_feed(&p, slice_of(rows[i].replies[k]));
		err_set(&err, ERR_TIMEOUT, SCOPE_HOST, "test", "timed out");
		assert_int_equal(smtp_client_lost(p.client, &err),
				 rows[i].ambiguous);
		assert_false(p.outcomes[0].done);
		assert_int_equal(p.outcomes[0].code, 0);
		if (i > 0) {
			assert_string_equal(p.outcomes[0].phase,
					    rows[i].outcome);
			assert_int_equal(p.outcomes[0].scope, SCOPE_HOST);
			assert_slice_eq(p.outcomes[0].reply, "timed out");
		}
		player_fini(&p);
	}
}

/* The body has a bare CR or LF that the envelope did not admit: the dot is
 * never sent, nor the byte itself. */
static void s14_bare_line_ends_never_leave_by_data(void **state)
{
	(void)state;
	static const char *const bodies[] = {
		"a\nb", "\n", "a\r", "\r", "a\rb", "\n.\n", "a\r\n.\n",
		"a\r\n.\rMAIL", "\r\r\n", "x\r\n\n", "a\r\n\r.\r\n",
		"ok\r\nok\r\n.\r\r\n",
	};
	struct limits limits;
	limits_defaults(&limits);
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		for (size_t piece = 1; piece < 20; piece++) {
			static struct player p;
			struct script s = { .name = "bare", .recipients = 1,
					    .transactions = 1,
					    .body = bodies[i] };
			player_init(&p, &s, &limits, piece);
			player_feed(&p, SLICE("220 x\r\n"));
			player_feed(&p, SLICE("250-x\r\n250 PIPELINING\r\n"));
			buf_clear(&p.said);
			player_feed(&p, SLICE("250 ok\r\n250 ok\r\n"
					      "354 go\r\n"));
			assert_slice_eq(buf_slice(&p.events),
					"READY DONE CLOSED");
			assert_int_equal(p.outcomes[0].enhanced[2], 11);
			assert_int_equal(p.outcomes[0].code, 550);
			slice said = buf_slice(&p.said);
			assert_int_equal(slice_find_slice(said,
							  SLICE(".\r\n")),
					 said.n);
			player_fini(&p);
		}
	}
}

static void a_full_output_buffer_fails_the_session(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	static const struct script s = { .name = "full", .recipients = 1,
					 .transactions = 1, .body = "xxxxxxx" };
	static struct player p;
	player_init(&p, &s, &limits, 1);
	buf_fini(&p.out);
	buf_init(&p.out, 24);
	player_feed(&p, SLICE("220 x\r\n"));
	player_feed(&p, SLICE("250 x\r\n"));
	/* MAIL FROM:<a@a.example> has 25 bytes with CRLF */
	assert_true(p.over);
	assert_int_equal(p.err.kind, ERR_INTERNAL);
	player_fini(&p);
}

static void freeing_clears_the_pointer(void **state)
{
	(void)state;
	struct limits limits;
	limits_defaults(&limits);
	static const struct script s = { .name = "free" };
	static struct player p;
	player_init(&p, &s, &limits, 1);
	smtp_client_free(&p.client);
	assert_null(p.client);
	smtp_client_free(&p.client);
	player_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greetings_and_hellos),
		cmocka_unit_test(rfc3207_starttls),
		cmocka_unit_test(rfc3207_4_2_nothing_passes_from_clear_to_tls),
		cmocka_unit_test(rfc4954_auth),
		cmocka_unit_test(replies_that_nobody_asked_for),
		cmocka_unit_test(replies_in_bad_form_end_the_session),
		cmocka_unit_test(replies_without_end_are_bounded),
		cmocka_unit_test(reply_bounds_are_exact),
		cmocka_unit_test(reply_bytes_are_bounded),
		cmocka_unit_test(extensions_are_read),
		cmocka_unit_test(w9_a_lost_connection_leaves_no_ghost),
		cmocka_unit_test(s14_bare_line_ends_never_leave_by_data),
		cmocka_unit_test(a_full_output_buffer_fails_the_session),
		cmocka_unit_test(freeing_clears_the_pointer),
	};
	return cmocka_run_group_tests_name("smtp/client_session", tests, NULL,
					   NULL);
}
