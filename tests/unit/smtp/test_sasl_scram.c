/* AUTH SCRAM-SHA-256: messages and the exchange in a session (RFC 5802 7;
 * RELIABILITY A7). The policy of server_harness.h takes 32 "p" for a proof. */
#include "unit/smtp/server_harness.h"

#include "smtp/base64.h"
#include "smtp/sasl_server.h"

#define PROOF "cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA="
#define WRONG "cXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXFxcXE="
#define FIRST "n,,n=user,r=C"
#define FINAL "c=biws,r=CS,p=" PROOF

static void say_base64(struct talk *t, const char *start, const char *plain)
{
	struct buf b;
	buf_init(&b, 65536);
	buf_append(&b, slice_of(start));
	base64_write(&b, slice_of(plain));
	buf_append(&b, SLICE("\r\n"));
	talk_feed(t, buf_slice(&b));
	buf_fini(&b);
}

static void begin(struct talk *t)
{
	talk_begin(t, TALK_TLS);
	talk_say(t, "EHLO x\r\n");
	buf_clear(&t->replies);
}

static void s1_3_the_exchange_on_the_wire(void **state)
{
	(void)state;
	struct talk t;
	begin(&t);
	talk_say(&t, "auth scram-sha-256\r\n");
	say_base64(&t, "", FIRST);
	say_base64(&t, "", FINAL);
	assert_false(talk_has_event(&t, "SCRAM DONE"));
	talk_say(&t, "\r\n");
	assert_slice_eq(buf_slice(&t.replies),
			"334 \r\n"
			"334 cj1DUyxzPWMyRnNkQT09LGk9NDA5Ng==\r\n"
			"334 dj1kbloyZG5aMmRuWjJkbloyZG5aMmRuWjJkbloyZG5aMmRu"
			"WjJkbloyZG5ZPQ==\r\n"
			"235 2.7.0 Authentication successful\r\n");
	talk_expect_event(&t, "SCRAM FIRST authzid= user=user message=\n"
			  "SCRAM FINAL authzid= user=user message="
			  "n=user,r=C,r=CS,s=c2FsdA==,i=4096,c=biws,r=CS\n"
			  "SCRAM DONE authzid= user=user");
	talk_end(&t);
}

/* The three messages of each case, and the codes of the replies to them. */
static const struct exchange {
	const char *first, *final, *done, *codes;
} exchanges[] = {
	{ FIRST, FINAL, "", "334 334 235" },
	{ FIRST, FINAL, "=", "334 334 235" },
	{ FIRST, FINAL, "AAAA", "334 334 501" },
	{ FIRST, FINAL, "*", "334 334 501" },
	/* believes that we can't bind, and is right */
	{ "y,,n=user,r=C", "c=eSws,r=CS,p=" PROOF, "", "334 334 235" },
	{ "y,,n=user,r=C", FINAL, NULL, "334 535" },
	/* asks for what isn't offered */
	{ "p=tls-unique,,n=user,r=C", NULL, NULL, "501" },
	{ "p=tls-server-end-point,,n=user,r=C", NULL, NULL, "501" },
	{ FIRST, "c=cD10bHMtdW5pcXVlLCw=,r=CS,p=" PROOF, NULL, "334 535" },
	/* names */
	{ "n,a=z,n=u=2Cs=3D,r=C,x=1",
	  "c=bixhPXos,r=CS,x=1,p=" PROOF, "", "334 334 235" },
	{ "n,,n=,r=C", NULL, NULL, "501" },
	{ "n,,n=us=er,r=C", NULL, NULL, "501" },
	{ "n,,n=us=2,r=C", NULL, NULL, "501" },
	{ "n,,n=us=2cer,r=C", NULL, NULL, "501" },
	{ "n,,n=us\rer,r=C", NULL, NULL, "501" },
	{ "n,,n=us\ner,r=C", NULL, NULL, "501" },
	{ "n,a=,n=user,r=C", NULL, NULL, "501" },
	{ "n,b=q,n=user,r=C", NULL, NULL, "501" },
	{ "n,,n=busy,r=C", NULL, NULL, "454" },
	/* form */
	{ "", NULL, NULL, "501" },
	{ "n", NULL, NULL, "501" },
	{ "n,", NULL, NULL, "501" },
	{ "n,,", NULL, NULL, "501" },
	{ "x,,n=user,r=C", NULL, NULL, "501" },
	{ "n,n=user,r=C", NULL, NULL, "501" },
	{ "n,,n=user", NULL, NULL, "501" },
	{ "n,,r=C,n=user", NULL, NULL, "501" },
	{ "n,,n=user,r=", NULL, NULL, "501" },
	{ "n,,n=user,r=C c", NULL, NULL, "501" },
	{ "n,,n=user,r=\xc3\xa9", NULL, NULL, "501" },
	{ "n,,m=x,n=user,r=C", NULL, NULL, "501" },
	{ "n,,n=user,r=C,m=1", NULL, NULL, "501" },
	{ "n,,n=user,r=C,1=1", NULL, NULL, "501" },
	{ FIRST, "", NULL, "334 501" },
	{ FIRST, "p=" PROOF, NULL, "334 501" },
	{ FIRST, "c=biws,p=" PROOF, NULL, "334 501" },
	{ FIRST, "r=CS,c=biws,p=" PROOF, NULL, "334 501" },
	{ FIRST, "c=biws,r=CS", NULL, "334 501" },
	{ FIRST, "c=biws,r=CS,p=!!!!", NULL, "334 501" },
	{ FIRST, "c=biws,r=CS,p=" PROOF ",x=1", NULL, "334 501" },
	/* proofs */
	{ FIRST, "c=biws,r=CS,p=" WRONG, NULL, "334 535" },
	{ FIRST, "c=biws,r=CS,p=", NULL, "334 535" },
	{ FIRST, "c=biws,r=CS,p=cHBw", NULL, "334 535" },
	{ FIRST, "c=biws,r=CX,p=" PROOF, NULL, "334 535" },
	{ FIRST, "c=biws,r=C,p=" PROOF, NULL, "334 535" },
	{ FIRST, "c=biws,r=CSS,p=" PROOF, NULL, "334 535" },
	{ FIRST, "c=biwr,r=CS,p=" PROOF, NULL, "334 535" },
	{ FIRST, "c=,r=CS,p=" PROOF, NULL, "334 535" },
};

static void run_exchange(const struct exchange *e, bool initial)
{
	struct talk t;
	begin(&t);
	/* an empty initial response is written "=" */
	if (!initial)
		talk_say(&t, "AUTH SCRAM-SHA-256\r\n");
	buf_clear(&t.replies);
	say_base64(&t, !initial		? "" :
		   e->first[0] == '\0' ? "AUTH SCRAM-SHA-256 =" :
					 "AUTH SCRAM-SHA-256 ", e->first);
	if (e->final != NULL)
		say_base64(&t, "", e->final);
	if (e->done != NULL) {
		talk_say(&t, e->done);
		talk_say(&t, "\r\n");
	}
	talk_expect_codes(&t, e->codes);
	buf_clear(&t.replies);		/* commands are commands again */
	talk_say(&t, "NOOP\r\n");
	talk_expect_codes(&t, "250");
	talk_end(&t);
}

static void a7_what_is_taken_and_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(exchanges); i++) {
		run_exchange(&exchanges[i], true);
		run_exchange(&exchanges[i], false);
	}
}

static void s1_3_names_are_unescaped(void **state)
{
	(void)state;
	struct talk t;
	begin(&t);
	say_base64(&t, "AUTH SCRAM-SHA-256 ", "n,a=z=3D,n=u=2Cs=3D,r=C");
	talk_expect_event(&t, "SCRAM FIRST authzid=z= user=u,s= message=\n");
	talk_end(&t);
}

/* 256 octets of a nonce make a line below 512 octets; more is refused. */
static void a2_nonces_have_a_bound(void **state)
{
	(void)state;
	for (size_t n = 255; n <= 257; n++) {
		struct talk t;
		char message[300];
		snprintf(message, sizeof(message), "n,,n=u,r=%.*s", (int)n,
			 "11111111111111111111111111111111111111111111111111"
			 "11111111111111111111111111111111111111111111111111"
			 "11111111111111111111111111111111111111111111111111"
			 "11111111111111111111111111111111111111111111111111"
			 "11111111111111111111111111111111111111111111111111"
			 "1111111111");
		begin(&t);
		say_base64(&t, "AUTH SCRAM-SHA-256 ", message);
		talk_expect_codes(&t, n <= 256 ? "334" : "501");
		talk_end(&t);
	}
}

static void a5_a_wrong_proof_counts_as_a_failure(void **state)
{
	(void)state;
	struct talk t;
	begin(&t);
	for (int i = 0; i < 3; i++) {
		say_base64(&t, "AUTH SCRAM-SHA-256 ", FIRST);
		say_base64(&t, "", "c=biws,r=CS,p=" WRONG);
	}
	talk_say(&t, "AUTH PLAIN AHVzZXIAcmlnaHQ=\r\n");
	talk_expect_codes(&t, "334 535 334 535 334 535 421");
	assert_int_equal(t.close, SMTP_CLOSE_AUTH_FAILURES);
	talk_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s1_3_the_exchange_on_the_wire),
		cmocka_unit_test(a7_what_is_taken_and_refused),
		cmocka_unit_test(s1_3_names_are_unescaped),
		cmocka_unit_test(a2_nonces_have_a_bound),
		cmocka_unit_test(a5_a_wrong_proof_counts_as_a_failure),
	};
	return cmocka_run_group_tests_name("smtp/sasl_scram", tests, NULL,
					   NULL);
}
