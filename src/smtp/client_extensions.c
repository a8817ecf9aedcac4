/*
 * What a peer says about itself in its reply to EHLO (RFC 5321 4.1.1.1):
 *
 *	ehlo-line = ehlo-keyword *( SP ehlo-param )
 *
 * Unknown keywords are skipped, known ones with bad parameters are taken
 * without them.
 */
#include "smtp/client_private.h"

enum { EHLO_WORDS_MAX = 100 };	/* of one line; the rest is not looked at */

static void parse_size(slice rest, struct smtp_extensions *e)
{
	uint64_t n;
	e->size = true;
	if (slice_u64(slice_cut(&rest, ' '), UINT64_MAX, &n))
		e->size_max = n;
}

/* "AUTH PLAIN LOGIN"; also the old "AUTH=PLAIN LOGIN". */
static void parse_auth(slice rest, struct smtp_extensions *e)
{
	for (int i = 0; rest.n > 0 && i < EHLO_WORDS_MAX; i++) {
		slice word = slice_cut(&rest, ' ');
		e->auth_plain |= slice_eq_fold(word, SLICE("PLAIN"));
		e->auth_login |= slice_eq_fold(word, SLICE("LOGIN"));
	}
}

/* RFC 9422 3: "LIMITS RCPTMAX=50 MAILMAX=20"; at most six digits there. */
static void parse_limits(slice rest, struct smtp_extensions *e)
{
	for (int i = 0; rest.n > 0 && i < EHLO_WORDS_MAX; i++) {
		slice value = slice_cut(&rest, ' ');
		slice name = slice_cut(&value, '=');
		uint64_t n;
		if (!slice_u64(value, 999999, &n))
			continue;
		if (slice_eq_fold(name, SLICE("RCPTMAX")))
			e->rcpt_max = (uint32_t)n;
		else if (slice_eq_fold(name, SLICE("MAILMAX")))
			e->mail_max = (uint32_t)n;
	}
}

static void parse_line(slice line, struct smtp_extensions *e)
{
	const struct {
		slice keyword;
		bool *offered;
	} plain[] = {
		{ SLICE("STARTTLS"), &e->starttls },
		{ SLICE("PIPELINING"), &e->pipelining },
		{ SLICE("8BITMIME"), &e->eight_bit },
		{ SLICE("SMTPUTF8"), &e->smtputf8 },
		{ SLICE("CHUNKING"), &e->chunking },
		{ SLICE("BINARYMIME"), &e->binarymime },
		{ SLICE("DSN"), &e->dsn },
		{ SLICE("ENHANCEDSTATUSCODES"), &e->enhanced },
		{ SLICE("REQUIRETLS"), &e->requiretls },
	};
	if (slice_starts_fold(line, SLICE("AUTH="))) {
		parse_auth(slice_skip(line, sizeof("AUTH=") - 1), e);
		return;
	}
	slice keyword = slice_cut(&line, ' ');
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (slice_eq_fold(keyword, plain[i].keyword))
			*plain[i].offered = true;
	if (slice_eq_fold(keyword, SLICE("SIZE")))
		parse_size(line, e);
	else if (slice_eq_fold(keyword, SLICE("AUTH")))
		parse_auth(line, e);
	else if (slice_eq_fold(keyword, SLICE("LIMITS")))
		parse_limits(line, e);
}

void client_extensions_parse(slice words, struct smtp_extensions *out)
{
	*out = (struct smtp_extensions){ 0 };
	(void)slice_cut(&words, '\n');	/* the peer's name */
	while (words.n > 0)	/* bounded by limits reply_lines */
		parse_line(slice_trim(slice_cut(&words, '\n')), out);
}
