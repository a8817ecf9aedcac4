/* The client's transactions, dialogue by dialogue. */
#include "unit/smtp/client_script.h"

#define PLAIN "S: 220 b.example\nC: EHLO me.example\nS: 250 b.example\n"
#define PIPE "S: 220 b.example\nC: EHLO me.example\n" \
	     "S: 250-b.example\nS: 250 PIPELINING\n"
#define FULL "S: 220 b.example\nC: EHLO me.example\n" \
	     "S: 250-b.example hello\nS: 250-PIPELINING\nS: 250-SIZE 1000\n" \
	     "S: 250-8BITMIME\nS: 250-SMTPUTF8\nS: 250-DSN\n" \
	     "S: 250-CHUNKING\nS: 250-BINARYMIME\nS: 250 ENHANCEDSTATUSCODES\n"
#define LMTP "S: 220 b.example\nC: LHLO me.example\n" \
	     "S: 250-b.example\nS: 250 PIPELINING\n"
#define MAIL "C: MAIL FROM:<a@a.example>\n"
#define R1 "C: RCPT TO:<r1@b.example>\n"
#define R2 "C: RCPT TO:<r2@b.example>\n"
#define BYE "C: QUIT\nS: 221 bye\n"

static void one_message_goes_in_lock_step(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "lock-step", PLAIN MAIL "S: 250 ok\n" R1 "S: 250 ok\n" R2
		  "S: 251 will forward\nC: DATA\nS: 354 go\n"
		  "C: Subject: x\nC: \nC: hello\nC: .\nS: 250 2.0.0 got it\n"
		  BYE, "READY DONE READY CLOSED",
		  "250 2.0.0 none dot; 250 2.0.0 none dot",
		  .recipients = 2, .transactions = 1,
		  .body = "Subject: x\r\n\r\nhello\r\n" },
		{ "null sender", PLAIN "C: MAIL FROM:<>\nS: 250 ok\n" R1
		  "S: 250 ok\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\n" BYE,
		  "READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 1, .body = "x\r\n",
		  .null_sender = true },
		{ "empty body", PLAIN MAIL "S: 250 ok\n" R1 "S: 250 ok\n"
		  "C: DATA\nS: 354 go\nC: .\nS: 250 ok\n" BYE,
		  "READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 1, .body = "" },
		{ "no final line end: one is added", PLAIN MAIL "S: 250 ok\n"
		  R1 "S: 250 ok\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\n"
		  BYE, "READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 1, .body = "x" },
		{ "dots are doubled at true line starts only", PLAIN MAIL
		  "S: 250 ok\n" R1 "S: 250 ok\nC: DATA\nS: 354 go\n"
		  "C: ..\nC: ...\nC: a.\nC: ..b\nC: ..\nC: .\nS: 250 ok\n" BYE,
		  "READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 1,
		  .body = ".\r\n..\r\na.\r\n.b\r\n." },
		{ "no reply text", "S: 220\nC: EHLO me.example\nS: 250\n" MAIL
		  "S: 250\n" R1 "S: 250\nC: DATA\nS: 354\nC: .\nS: 250\n"
		  "C: QUIT\nS: 221\n", "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void rfc2920_commands_go_in_one_group(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "all well", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 2.6.0 queued\n" BYE, "READY DONE READY CLOSED",
		  "250 2.6.0 none dot; 250 2.6.0 none dot",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "one recipient refused", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 550-5.1.1 no\nS: 550 5.1.1 such user\n"
		  "S: 250 ok\nS: 354 go\nC: x\nC: .\nS: 250 ok\n" BYE,
		  "READY DONE READY CLOSED",
		  "550 5.1.1 recipient RCPT; 250 0.0.0 none dot",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "all refused, DATA refused", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 550 5.1.1 no\nS: 450 4.2.0 busy\n"
		  "S: 554 5.5.1 no valid recipients\n" BYE,
		  "READY DONE READY CLOSED",
		  "550 5.1.1 recipient RCPT; 450 4.2.0 recipient RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "all refused, 354: a lone dot", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 550 5.1.1 no\nS: 550 5.1.1 no\nS: 354 go\n"
		  "C: .\nS: 250 took nothing\n" BYE, "READY DONE READY CLOSED",
		  "550 5.1.1 recipient RCPT; 550 5.1.1 recipient RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "the lone dot refused", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 550 5.1.1 no\nS: 354 go\nC: .\n"
		  "S: 554 no valid recipients\n" BYE,
		  "READY DONE READY CLOSED", "550 5.1.1 recipient RCPT",
		  .recipients = 1, .transactions = 1, .body = "x\r\n" },
		{ "MAIL refused, 503s", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 550 5.7.1 not you\nS: 503 5.5.1 MAIL first\n"
		  "S: 503 5.5.1 MAIL first\nS: 503 5.5.1 MAIL first\n" BYE,
		  "READY DONE READY CLOSED",
		  "550 5.7.1 message MAIL; 550 5.7.1 message MAIL",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "P2: MAIL refused, yet 354", PIPE MAIL R1 "C: DATA\n"
		  "S: 550 5.7.1 no\nS: 250 ok\nS: 354 go\nC: .\n"
		  "S: 250 nothing\n" BYE, "READY DONE READY CLOSED",
		  "550 5.7.1 message MAIL",
		  .recipients = 1, .transactions = 1, .body = "x\r\n" },
		{ "P3: refused at DATA", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\n"
		  "S: 450 4.2.1 peak\n" BYE, "READY DONE READY CLOSED",
		  "450 4.2.1 message DATA; 550 5.1.1 recipient RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "refused at the dot", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\n"
		  "C: x\nC: .\nS: 554 5.7.1 spam\n" BYE,
		  "READY DONE READY CLOSED",
		  "554 5.7.1 message dot; 550 5.1.1 recipient RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void lock_step_refusals_stop_early(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "MAIL refused: no RCPT", PLAIN MAIL "S: 452 4.3.1 full\n"
		  BYE, "READY DONE READY CLOSED",
		  "452 4.3.1 message MAIL; 452 4.3.1 message MAIL",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "all RCPT refused: no DATA", PLAIN MAIL "S: 250 ok\n" R1
		  "S: 550 no\n" R2 "S: 551 no\n" BYE,
		  "READY DONE READY CLOSED",
		  "550 0.0.0 recipient RCPT; 551 0.0.0 recipient RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "class of the enhanced code must fit", PLAIN MAIL
		  "S: 250 ok\n" R1 "S: 550 4.1.1 no\n" BYE,
		  "READY DONE READY CLOSED", "550 0.0.0 recipient RCPT",
		  .recipients = 1, .transactions = 1, .body = "x\r\n" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void s11_4_connections_are_reused(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "clean end: no RSET", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\nS: 250 1\n"
		  MAIL R1 "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 554 2\n"
		  MAIL R1 "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 3\n" BYE,
		  "READY DONE READY DONE READY DONE READY CLOSED",
		  "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 3, .body = "x\r\n" },
		{ "open end: RSET in the next group", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 550 no\nS: 554 no\n"
		  "C: RSET\n" MAIL R1 "C: DATA\n"
		  "S: 250 reset\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 3\n" BYE,
		  "READY DONE READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 2, .body = "x\r\n" },
		{ "RSET once only", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 550 no\nS: 554 no\n"
		  "C: RSET\n" MAIL R1 "C: DATA\n"
		  "S: 250 reset\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 3\n"
		  MAIL R1 "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 4\n" BYE,
		  "READY DONE READY DONE READY DONE READY CLOSED",
		  "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 3, .body = "x\r\n" },
		{ "open end in lock-step", PLAIN MAIL "S: 250 ok\n" R1
		  "S: 550 no\nC: RSET\nS: 250 ok\n" MAIL "S: 250 ok\n" R1
		  "S: 250 ok\nC: DATA\nS: 354 go\nC: x\nC: .\nS: 250 ok\n" BYE,
		  "READY DONE READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 2, .body = "x\r\n" },
		{ "RSET refused", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 550 no\nS: 554 no\nC: RSET\n" MAIL R1
		  "C: DATA\nS: 500 what\n", "READY DONE READY FAILED",
		  "?0 4.4.2 session MAIL",
		  .recipients = 1, .transactions = 2, .body = "x\r\n",
		  .kind = ERR_PROTOCOL, .scope = SCOPE_SESSION },
		{ "lone dot: no RSET", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 550 no\nS: 354 go\nC: .\nS: 554 no\n"
		  MAIL R1 "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 3\n" BYE,
		  "READY DONE READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 2, .body = "x\r\n" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void parameters_are_said_when_offered(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "SIZE and BODY", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3 BODY=8BITMIME\n" R1
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n", .has_8bit = true },
		{ "SMTPUTF8 for an address", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3 SMTPUTF8\n"
		  "C: RCPT TO:<\xe5\xb1\xb1@b.example>\n"
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n", .first = { .address = {
			SLICE("\xe5\xb1\xb1"), SLICE("b.example"), true } } },
		{ "W11: DSN passed on", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3 RET=HDRS "
		  "ENVID=a+2Bb+3Dc+20d\n"
		  "C: RCPT TO:<r1@b.example> NOTIFY=SUCCESS,FAILURE,DELAY "
		  "ORCPT=rfc822;x+2By@c.example\n" R2
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot; 250 0.0.0 none dot",
		  .recipients = 2, .transactions = 1, .body = "x\r\n",
		  .envelope = { .ret = DSN_RET_HDRS,
				.envid = SLICE("a+b=c d") },
		  .first = { .notify = DSN_SUCCESS | DSN_FAILURE | DSN_DELAY,
			     .orcpt = SLICE("rfc822;x+y@c.example") } },
		{ "W11: DSN not offered", PIPE MAIL R1
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n",
		  .envelope = { .ret = DSN_RET_FULL, .envid = SLICE("e") },
		  .first = { .notify = DSN_NEVER,
			     .orcpt = SLICE("rfc822;x@c.example") } },
		{ "NOTIFY=NEVER, RET=FULL; ORCPT without type left out", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3 RET=FULL\n"
		  "C: RCPT TO:<r1@b.example> NOTIFY=NEVER\n"
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n", .envelope = { .ret = DSN_RET_FULL },
		  .first = { .notify = DSN_NEVER | DSN_DELAY,
			     .orcpt = SLICE("nobody") } },
		{ "a line end in ORCPT: left out", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3\n" R1
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n",
		  .first = { .orcpt = SLICE("rfc822;a\r\nRSET") } },
		{ "UTF-8 in ORCPT without SMTPUTF8 in use is left out", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3\n" R1
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n",
		  .first = { .orcpt = SLICE("utf-8;\xc3\xa9@c.example") } },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void s11_8_what_the_peer_cannot_take_is_refused_by_us(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "8-bit", PIPE BYE, "READY DONE READY CLOSED",
		  "554 5.6.3 message check; 554 5.6.3 message check",
		  .recipients = 2, .transactions = 1, .body = "x\r\n",
		  .has_8bit = true },
		{ "binary", PIPE BYE, "READY DONE READY CLOSED",
		  "554 5.6.3 message check", .recipients = 1,
		  .transactions = 1, .body = "x\r\n",
		  .envelope = { .body_type = BODY_BINARYMIME } },
		{ "UTF-8 recipient", PIPE BYE, "READY DONE READY CLOSED",
		  "553 5.6.7 message check", .recipients = 1,
		  .transactions = 1, .body = "x\r\n",
		  .first = { .address = { SLICE("\xc3\xa9"),
					  SLICE("b.example"), true } } },
		{ "UTF-8 header declared", PIPE BYE, "READY DONE READY CLOSED",
		  "553 5.6.7 message check", .recipients = 1,
		  .transactions = 1, .body = "x\r\n", .has_8bit = true,
		  .envelope = { .smtputf8 = true } },
		{ "UTF-8 declared, but nothing of it there", PIPE MAIL R1
		  "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n", .envelope = { .smtputf8 = true } },
		{ "size 1001", FULL BYE, "READY DONE READY CLOSED",
		  "552 5.3.4 message check", .recipients = 1,
		  .transactions = 1, .body = "x\r\n", .size = 1001 },
		{ "size 1000", FULL "C: MAIL FROM:<a@a.example> SIZE=1000\n"
		  R1 "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot", .recipients = 1, .transactions = 1,
		  .body = "x\r\n", .size = 1000 },
		{ "bare line ends without CHUNKING", PIPE BYE,
		  "READY DONE READY CLOSED", "550 5.6.11 message check",
		  .recipients = 1, .transactions = 1, .body = "x\ny\r\n",
		  .envelope = { .bare_line_ends = true } },
		{ "a line end in an address", PIPE BYE,
		  "READY DONE READY CLOSED", "501 5.1.3 message check",
		  .recipients = 1, .transactions = 1, .body = "x\r\n",
		  .first = { .address = { SLICE("a\r\nRSET"),
					  SLICE("b.example"), false } } },
		{ "a space in a domain", PIPE BYE,
		  "READY DONE READY CLOSED", "501 5.1.7 message check",
		  .recipients = 1, .transactions = 1, .body = "x\r\n",
		  .envelope = { .sender = { SLICE("a"), SLICE("b> x"),
					    false } } },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void rfc3030_bdat_carries_what_data_cannot(void **state)
{
	(void)state;
	/* A script's lines can't hold a bare LF: played by hand. */
	static const struct script s = {
		.name = "bare line ends", .recipients = 1, .transactions = 1,
		.body = ".\n.\r\rx\n\n",
		.envelope = { .bare_line_ends = true } };
	struct limits limits;
	struct player *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	limits_defaults(&limits);
	player_init(p, &s, &limits, 1);
	player_feed(p, SLICE("220 x\r\n"));
	player_feed(p, SLICE("250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n"));
	buf_clear(&p->said);
	player_feed(p, SLICE("250 ok\r\n250 ok\r\n"));
	assert_slice_eq(buf_slice(&p->said),
			"BDAT 8 LAST\r\n.\n.\r\rx\n\n");
	player_feed(p, SLICE("250 ok\r\n"));
	assert_slice_eq(buf_slice(&p->events), "READY DONE READY");
	assert_int_equal(p->outcomes[0].code, 250);
	player_fini(p);
	free(p);

	static const struct script more[] = {
		{ "BINARYMIME", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3 BODY=BINARYMIME\n" R1 R2
		  "S: 250 ok\nS: 550 no\nS: 250 ok\nC: BDAT 3 LAST\nC: .\n"
		  "S: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "550 0.0.0 recipient RCPT; 250 0.0.0 none dot",
		  .recipients = 2, .transactions = 1, .body = ".\r\n",
		  .has_8bit = true,
		  .envelope = { .body_type = BODY_BINARYMIME } },
		{ "all refused: no BDAT, then RSET", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=3 BODY=BINARYMIME\n" R1
		  "S: 250 ok\nS: 550 no\nC: RSET\n"
		  "C: MAIL FROM:<a@a.example> SIZE=3 BODY=BINARYMIME\n" R1
		  "S: 250 ok\nS: 250 ok\nS: 250 ok\nC: BDAT 3 LAST\nC: .\n"
		  "S: 550 5.7.1 no\n" BYE,
		  "READY DONE READY DONE READY CLOSED",
		  "550 5.7.1 message dot",
		  .recipients = 1, .transactions = 2, .body = ".\r\n",
		  .envelope = { .body_type = BODY_BINARYMIME } },
		{ "body is shorter than said", FULL
		  "C: MAIL FROM:<a@a.example> SIZE=4 BODY=BINARYMIME\n" R1
		  "S: 250 ok\nS: 250 ok\nC: BDAT 4 LAST\nC: .\n",
		  "READY FAILED", "?0 4.4.2 self BDAT",
		  .recipients = 1, .transactions = 1, .body = ".\r\n",
		  .size = 4, .kind = ERR_INTERNAL, .scope = SCOPE_SELF,
		  .envelope = { .body_type = BODY_BINARYMIME } },
	};
	play_all(more, ARRAY_LEN(more));
}

/* The peer speaks while the body is on its way. */
static void words_in_mid_body(void **state)
{
	(void)state;
	static const struct {
		const char *name, *words, *outcome;
		bool bdat, done;
	} rows[] = {
		{ "421 in DATA", "421 4.3.2 bye\r\n", "421 4.3.2 host DATA",
		  false, true },
		{ "421 in BDAT", "421 4.3.2 bye\r\n", "421 4.3.2 host BDAT",
		  true, true },
		{ "BDAT refused early", "552 5.3.4 no\r\n",
		  "552 5.3.4 message BDAT", true, true },
		{ "BDAT taken early", "250 ok\r\n", "?0 4.4.2 session BDAT",
		  true, false },
		{ "DATA refused early", "552 5.3.4 no\r\n",
		  "?0 4.4.2 session DATA", false, false },
	};
	struct limits limits;
	limits_defaults(&limits);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct player p;
		struct script s = { .name = rows[i].name, .recipients = 1,
				    .transactions = 1, .body = "12345678" };
		struct err err;
		struct buf outcome;
		s.envelope.bare_line_ends = rows[i].bdat;
		player_init(&p, &s, &limits, 1);
		player_feed(&p, SLICE("220 x\r\n"));
		player_feed(&p, SLICE("250-x\r\n250-CHUNKING\r\n"
				      "250 PIPELINING\r\n"));
		slice in = rows[i].bdat ? SLICE("250 ok\r\n250 ok\r\n")
			   : SLICE("250 ok\r\n250 ok\r\n354 go\r\n");
		assert_int_equal(smtp_client_next(p.client, &in, &p.out, &err),
				 SMTP_CLIENT_WANT_BODY);
		assert_int_equal(smtp_client_next(p.client, &in, &p.out, &err),
				 SMTP_CLIENT_NEED_INPUT);	/* told once */
		smtp_client_body(p.client, &p.out, SLICE("1234"));
		player_feed(&p, slice_of(rows[i].words));
		assert_slice_eq(buf_slice(&p.events), rows[i].done
				? "READY DONE CLOSED" : "READY FAILED");
		buf_clear(&p.out);
		smtp_client_body(p.client, &p.out, SLICE("5678"));
		smtp_client_body_end(p.client, &p.out);
		assert_int_equal(p.out.n, 0);
		assert_false(smtp_client_lost(p.client, &p.err));
		buf_init(&outcome, 1000);
		outcomes_text(&p, &outcome);
		play_compare(&p, "outcome", buf_slice(&outcome),
			     slice_of(rows[i].outcome));
		buf_fini(&outcome);
		player_fini(&p);
	}
}

static void rfc2033_lmtp_answers_for_each_recipient(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "one fails at the end", LMTP MAIL R1 R2
		  "C: RCPT TO:<r3@b.example>\nC: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 250 ok\n"
		  "S: 354 go\nC: x\nC: .\nS: 250 2.0.0 stored\n"
		  "S: 452-4.2.2 mailbox\nS: 452 4.2.2 full\n" BYE,
		  "READY DONE READY CLOSED",
		  "250 2.0.0 none dot; 550 5.1.1 recipient RCPT; "
		  "452 4.2.2 recipient dot",
		  .recipients = 3, .transactions = 1, .body = "x\r\n",
		  .lmtp = true },
		{ "the last one refused at RCPT", LMTP MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\n"
		  "C: x\nC: .\nS: 250 ok\n" BYE, "READY DONE READY CLOSED",
		  "250 0.0.0 none dot; 550 5.1.1 recipient RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n",
		  .lmtp = true },
		{ "none accepted", LMTP MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 550 5.1.1 no\nS: 503 no\n" BYE,
		  "READY DONE READY CLOSED", "550 5.1.1 recipient RCPT",
		  .recipients = 1, .transactions = 1, .body = "x\r\n",
		  .lmtp = true },
		{ "none accepted, forbidden 354: closed", LMTP MAIL R1
		  "C: DATA\nS: 250 ok\nS: 550 5.1.1 no\nS: 354 go\n",
		  "READY DONE CLOSED", "550 5.1.1 recipient RCPT",
		  .recipients = 1, .transactions = 1, .body = "x\r\n",
		  .lmtp = true },
		{ "lost between two replies", LMTP MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\n", "READY",
		  "250 0.0.0 none dot; ?0 4.4.2 session dot",
		  .recipients = 2, .transactions = 1, .body = "x\r\n",
		  .lmtp = true, .ambiguous = true },
		{ "421 between two replies", LMTP MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\nS: 421 4.3.2 bye\n", "READY DONE CLOSED",
		  "250 0.0.0 none dot; 421 4.3.2 host dot",
		  .recipients = 2, .transactions = 1, .body = "x\r\n",
		  .lmtp = true },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void a_421_is_of_the_host_wherever_it_comes(void **state)
{
	(void)state;
	static const struct script scripts[] = {
		{ "at MAIL", PLAIN MAIL "S: 421 4.7.0 slow down\n",
		  "READY DONE CLOSED", "421 4.7.0 host MAIL",
		  .recipients = 1, .transactions = 1, .body = "x\r\n" },
		{ "at RCPT, some decided", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 550 5.1.1 no\nS: 421 4.7.0 slow down\n",
		  "READY DONE CLOSED",
		  "550 5.1.1 recipient RCPT; 421 4.7.0 host RCPT",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "at DATA", PIPE MAIL R1 R2 "C: DATA\n"
		  "S: 250 ok\nS: 550 5.1.1 no\nS: 250 ok\nS: 421 no\n",
		  "READY DONE CLOSED",
		  "550 5.1.1 recipient RCPT; 421 0.0.0 host DATA",
		  .recipients = 2, .transactions = 1, .body = "x\r\n" },
		{ "at the dot", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 421 4.3.2 shutdown\n", "READY DONE CLOSED",
		  "421 4.3.2 host dot",
		  .recipients = 1, .transactions = 1, .body = "x\r\n" },
		{ "when idle", PIPE MAIL R1 "C: DATA\n"
		  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: x\nC: .\n"
		  "S: 250 ok\nC: QUIT\nS: 421 4.4.2 idle too long\n",
		  "READY DONE READY CLOSED", "250 0.0.0 none dot",
		  .recipients = 1, .transactions = 1, .body = "x\r\n" },
	};
	play_all(scripts, ARRAY_LEN(scripts));
}

static void rfc5321_4_5_3_2_waits_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *feed;
		enum smtp_client_wait wait;
	} steps[] = {
		{ "", SMTP_WAIT_GREETING }, { "220 x\r\n", SMTP_WAIT_EHLO },
		{ "250-x\r\n250 STARTTLS\r\n", SMTP_WAIT_STARTTLS },
		{ "220 go\r\n", SMTP_WAIT_EHLO },
		{ "250-x\r\n250 AUTH LOGIN\r\n", SMTP_WAIT_AUTH },
		{ "334 VXNlcm5hbWU6\r\n", SMTP_WAIT_AUTH },
		{ "334 UGFzc3dvcmQ6\r\n", SMTP_WAIT_AUTH },
		{ "235 ok\r\n", SMTP_WAIT_MAIL },
		{ "250 ok\r\n", SMTP_WAIT_RCPT },
		{ "250 ok\r\n", SMTP_WAIT_DATA },
		{ "354 go\r\n", SMTP_WAIT_DOT },
		{ "250 ok\r\n", SMTP_WAIT_QUIT },
		{ "221 bye\r\n", SMTP_WAIT_NOTHING },
	};
	static const struct script s = {
		.name = "waits", .recipients = 1, .transactions = 1,
		.body = "x\r\n", .user = "u", .password = "p",
		.tls = SMTP_TLS_REQUIRED };
	struct limits limits;
	struct player *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	limits_defaults(&limits);
	player_init(p, &s, &limits, 10);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		player_feed(p, slice_of(steps[i].feed));
		assert_int_equal(smtp_client_waits_for(p->client),
				 steps[i].wait);
	}
	player_fini(p);
	free(p);
}

static void replies_words_are_kept_for_reports(void **state)
{
	(void)state;
	static const struct script s = { .name = "words", .recipients = 2,
					 .transactions = 1, .body = "x" };
	struct limits limits;
	struct player *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	limits_defaults(&limits);
	player_init(p, &s, &limits, 10);
	player_feed(p, SLICE("220 x\r\n"));
	player_feed(p, SLICE("250-x\r\n250 PIPELINING\r\n"));
	player_feed(p, SLICE("250 ok\r\n550-5.1.1 no\tsuch\x1b[31m user\r\n"
			     "550 see http://x/\r\n250 ok\r\n354 go\r\n"));
	player_feed(p, SLICE("250 2.0.0 queued as 1234\r\n"));
	assert_slice_eq(p->outcomes[0].reply,
			"5.1.1 no such?[31m user\nsee http://x/");
	assert_slice_eq(p->outcomes[1].reply, "2.0.0 queued as 1234");
	player_fini(p);
	free(p);
}

/* More recipients than one window: sent on as replies come, DATA last. */
static void many_recipients_go_in_windows(void **state)
{
	(void)state;
	static const struct script s = { .name = "windows", .recipients = 600,
					 .transactions = 1, .body = "x\r\n" };
	struct limits limits;
	struct player *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	limits_defaults(&limits);
	player_init(p, &s, &limits, 10);
	player_feed(p, SLICE("220 x\r\n"));
	player_feed(p, SLICE("250-x\r\n250 PIPELINING\r\n"));
	assert_int_equal(slice_find_slice(buf_slice(&p->said), SLICE("DATA")),
			 p->said.n);
	for (int i = 0; i < 601; i++)
		player_feed(p, i % 3 ? SLICE("250 ok\r\n")
				     : i ? SLICE("550 no\r\n")
					 : SLICE("250 ok\r\n"));
	slice said = buf_slice(&p->said);
	assert_true(slice_ends_fold(said, SLICE("<r600@b.example>\r\nDATA\r\n")));
	player_feed(p, SLICE("354 go\r\n"));
	player_feed(p, SLICE("250 ok\r\n"));
	unsigned delivered = 0;
	for (unsigned i = 0; i < 600; i++)
		delivered += p->outcomes[i].done && p->outcomes[i].code == 250;
	assert_int_equal(delivered, 400);
	player_fini(p);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_goes_in_lock_step),
		cmocka_unit_test(rfc2920_commands_go_in_one_group),
		cmocka_unit_test(lock_step_refusals_stop_early),
		cmocka_unit_test(s11_4_connections_are_reused),
		cmocka_unit_test(parameters_are_said_when_offered),
		cmocka_unit_test(
			s11_8_what_the_peer_cannot_take_is_refused_by_us),
		cmocka_unit_test(rfc3030_bdat_carries_what_data_cannot),
		cmocka_unit_test(words_in_mid_body),
		cmocka_unit_test(rfc2033_lmtp_answers_for_each_recipient),
		cmocka_unit_test(a_421_is_of_the_host_wherever_it_comes),
		cmocka_unit_test(rfc5321_4_5_3_2_waits_are_named),
		cmocka_unit_test(replies_words_are_kept_for_reports),
		cmocka_unit_test(many_recipients_go_in_windows),
	};
	return cmocka_run_group_tests_name("smtp/client_transaction", tests,
					   NULL, NULL);
}
