/*
 * The dialogue of probe, in time order; see probe.h. A step says a command,
 * shows the reply and what it means, and is false when the way ends there.
 */
#include "app/probe.h"

#include <stdio.h>

#include "app/err_words.h"
#include "base/id.h"
#include "base/json.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/random.h"
#include "smtp/base64.h"
#include "wire/say.h"

static const slice NONE = { 0 };

enum { LINE_OUT_MAX = 1048576 };

enum { EXIT_REFUSED = 1, EXIT_UNREACHED = 69, EXIT_LATER = 75 };

/* --- showing -------------------------------------------------------------- */

static void print(struct buf *line)
{
	buf_append_char(line, '\n');
	/* A closed pipe is no error of ours. */
	bool written = !line->failed && os_write_out(buf_slice(line));
	(void)written;
	buf_fini(line);
}

static void show_json(const char *from, unsigned code, slice enhanced,
		      slice text)
{
	struct buf row;
	struct json j;
	buf_init(&row, LINE_OUT_MAX);
	json_init(&j, &row);
	json_object(&j);
	json_member_cstr(&j, "from", from);
	if (code != 0) {
		json_member_u64(&j, "code", code);
		json_key(&j, "enhanced");
		enhanced.n > 0 ? json_string(&j, enhanced) : json_null(&j);
	}
	json_member_string(&j, "text", text);
	json_object_end(&j);
	print(&row);
}

static void show_note(const struct probe *p, slice text)
{
	struct buf line;
	if (p->cli->json) {
		show_json("probe", 0, NONE, text);
		return;
	}
	buf_init(&line, LINE_OUT_MAX);
	buf_append(&line, SLICE("     # "));
	cli_escape(&line, text);
	print(&line);
}

void probe_say(const struct probe *p, enum probe_text id, slice a, slice b,
	       slice c)
{
	slice args[] = { a, b, c };
	struct buf text;
	buf_init(&text, LINE_OUT_MAX);
	say(&text, probe_text(id), p->cli->language, args, ARRAY_LEN(args));
	show_note(p, buf_slice(&text));
	buf_fini(&text);
}

static void say_err(const struct probe *p, enum probe_text id,
		    const struct err *err)
{
	struct buf words;
	buf_init(&words, 4096);
	err_words(&words, err, p->cli->language);
	probe_say(p, id, buf_slice(&words), NONE, NONE);
	buf_fini(&words);
}

static void show_sent(const struct probe *p, slice text)
{
	struct buf line;
	if (p->cli->json) {
		show_json("client", 0, NONE, text);
		return;
	}
	buf_init(&line, LINE_OUT_MAX);
	buf_append(&line, SLICE("C: "));
	cli_escape(&line, text);
	print(&line);
}

/* What AUTH PLAIN says (RFC 4616), before base64. */
static void write_plain(const struct probe *p, struct buf *out)
{
	buf_append_char(out, '\0');
	buf_append(out, slice_of(p->user));
	buf_append_char(out, '\0');
	buf_append(out, p->password);
}

/* A server may repeat what it was sent. */
static bool holds_password(const struct probe *p, slice text)
{
	struct buf coded;
	if (p->password.n == 0)
		return false;
	buf_init(&coded, LINE_OUT_MAX);
	base64_write(&coded, p->password);
	bool holds = slice_find_slice(text, p->password) < text.n ||
		     coded.failed ||
		     slice_find_slice(text, buf_slice(&coded)) < text.n;
	buf_clear(&coded);
	struct buf plain;
	buf_init(&plain, LINE_OUT_MAX);
	write_plain(p, &plain);
	base64_write(&coded, buf_slice(&plain));
	holds = holds || coded.failed || plain.failed ||
		slice_find_slice(text, buf_slice(&coded)) < text.n;
	buf_fini(&plain);
	buf_fini(&coded);
	return holds;
}

static slice enhanced_of(const struct probe *p, char to[16])
{
	const uint8_t *e = p->wire.reply.enhanced;
	if (e[0] == 0)
		return NONE;
	int n = snprintf(to, 16, "%u.%u.%u", e[0], e[1], e[2]);
	return (slice){ to, (size_t)n };
}

static void show_reply(const struct probe *p)
{
	char enhanced[16];
	slice rest = buf_slice(&p->wire.reply.text);
	if (holds_password(p, rest))
		rest = SLICE("********");
	if (p->cli->json) {
		show_json("server", p->wire.reply.code, enhanced_of(p, enhanced),
			  rest);
		return;
	}
	do {
		struct buf line;
		slice text = slice_cut(&rest, '\n');
		buf_init(&line, LINE_OUT_MAX);
		buf_printf(&line, "S: %u%c", p->wire.reply.code,
			   rest.n > 0 ? '-' : ' ');
		cli_escape(&line, text);
		print(&line);
	} while (rest.n > 0);
}

/* --- one step ------------------------------------------------------------- */

static bool lost(struct probe *p, const struct err *err)
{
	p->code = err->kind == ERR_TIMEOUT || err->kind == ERR_TEMPORARY ?
			  EXIT_LATER : EXIT_UNREACHED;
	say_err(p, PROBE_LOST, err);
	return false;
}

static bool is_good(const struct probe *p)
{
	return p->wire.reply.code >= 200 && p->wire.reply.code < 400;
}

/* What the reply means: `good`, or a row of the table and where to look. */
static bool explain(struct probe *p, enum probe_text good)
{
	char enhanced[16];
	slice words = buf_slice(&p->wire.reply.text);
	slice reference = probe_reference(words);
	if (is_good(p)) {
		probe_say(p, good, NONE, NONE, NONE);
	} else {
		const struct text *t = probe_explain(p->wire.reply.code,
						     enhanced_of(p, enhanced),
						     words);
		if (t != NULL)
			show_note(p, slice_of(text_in(t, p->cli->language)));
		p->code = p->wire.reply.code < 500 ? EXIT_LATER : EXIT_REFUSED;
	}
	if (reference.n > 0)
		probe_say(p, PROBE_FOLLOW, reference, NONE, NONE);
	return is_good(p);
}

static bool take_reply(struct probe *p)
{
	struct err err = { 0 };
	if (!probe_wire_reply(&p->wire, &err))
		return lost(p, &err);
	show_reply(p);
	return true;
}

/* shown: instead of a line that holds a secret. */
static bool ask(struct probe *p, slice line, slice shown)
{
	struct err err = { 0 };
	struct buf out;
	show_sent(p, shown.n > 0 ? shown : line);
	buf_init(&out, LINE_OUT_MAX);
	buf_append(&out, line);
	buf_append(&out, SLICE("\r\n"));
	bool ok = !out.failed ? probe_wire_send(&p->wire, buf_slice(&out), &err)
			      : err_set_memory(&err, "probe");
	buf_fini(&out);
	return ok ? take_reply(p) : lost(p, &err);
}

static bool step(struct probe *p, enum probe_text good, const char *before,
		 const char *word, const char *after)
{
	struct buf line;
	buf_init(&line, LINE_OUT_MAX);
	buf_printf(&line, "%s%s%s", before, word, after);
	bool ok = ask(p, buf_slice(&line), NONE) && explain(p, good);
	buf_fini(&line);
	return ok;
}

/* --- greeting, EHLO, TLS -------------------------------------------------- */

static bool greet(struct probe *p)
{
	struct err err = { 0 };
	if (probe_wire_reply(&p->wire, &err)) {
		show_reply(p);
		return explain(p, PROBE_GREETING_OK);
	}
	p->code = EXIT_UNREACHED;
	if (err.kind == ERR_PROTOCOL)
		say_err(p, PROBE_NOT_SMTP, &err);
	else if (err.kind == ERR_TIMEOUT)
		probe_say(p, PROBE_NO_GREETING, NONE, NONE, NONE);
	else
		say_err(p, PROBE_LOST, &err);
	return false;
}

static void note_auth(struct probe *p, slice ways)
{
	while (ways.n > 0) {
		slice way = slice_cut(&ways, ' ');
		p->offers_plain |= slice_eq_fold(way, SLICE("PLAIN"));
		p->offers_login |= slice_eq_fold(way, SLICE("LOGIN"));
	}
}

static void note_extension(struct probe *p, slice line)
{
	struct buf text;
	slice rest = line;
	slice keyword = slice_cut(&rest, ' ');
	const struct text *t = probe_extension(keyword);
	if (slice_eq_fold(keyword, SLICE("AUTH")))
		note_auth(p, rest);
	p->offers_starttls |= slice_eq_fold(keyword, SLICE("STARTTLS"));
	p->offers_utf8 |= slice_eq_fold(keyword, SLICE("SMTPUTF8"));
	if (t == NULL) {
		probe_say(p, PROBE_UNKNOWN_EXTENSION, keyword, NONE, NONE);
		return;
	}
	buf_init(&text, LINE_OUT_MAX);
	buf_append(&text, line);
	buf_printf(&text, ": %s", text_in(t, p->cli->language));
	show_note(p, buf_slice(&text));
	buf_fini(&text);
}

static bool ehlo(struct probe *p)
{
	p->offers_starttls = p->offers_plain = p->offers_login = false;
	p->offers_utf8 = false;
	char line[600];
	snprintf(line, sizeof(line), "EHLO %s", p->helo);
	if (!ask(p, slice_of(line), NONE))
		return false;
	if (p->wire.reply.code == 500 || p->wire.reply.code == 502) {
		probe_say(p, PROBE_HELO_FALLBACK, NONE, NONE, NONE);
		return step(p, PROBE_EHLO_OK, "HELO ", p->helo, "");
	}
	if (!explain(p, PROBE_EHLO_OK))
		return false;
	slice rest = buf_slice(&p->wire.reply.text);
	slice_cut(&rest, '\n');
	while (rest.n > 0)
		note_extension(p, slice_cut(&rest, '\n'));
	return true;
}

static bool encrypt(struct probe *p)
{
	struct err err = { 0 };
	if (!probe_wire_tls(&p->wire, p->host, p->verify, &err)) {
		p->code = EXIT_UNREACHED;
		say_err(p, PROBE_TLS_FAILED, &err);
		return false;
	}
	bool good = tls_peer_verified(p->wire.tls);
	probe_say(p, PROBE_TLS_OPEN, slice_of(tls_version(p->wire.tls)),
		  slice_of(tls_cipher(p->wire.tls)),
		  slice_of(text_in(probe_text(good ? PROBE_VERIFIED :
						     PROBE_NOT_CHECKED),
				   p->cli->language)));
	return true;
}

static bool starttls(struct probe *p)
{
	if (!p->offers_starttls) {
		probe_say(p, PROBE_NO_STARTTLS, NONE, NONE, NONE);
		p->code = EXIT_REFUSED;
		return false;
	}
	return step(p, PROBE_STARTTLS_OK, "STARTTLS", "", "") &&
	       encrypt(p) && ehlo(p);
}

/* --- AUTH ----------------------------------------------------------------- */

static bool ask_coded(struct probe *p, const char *before, slice secret,
		      const char *shown, enum probe_text good)
{
	struct buf line;
	buf_init(&line, LINE_OUT_MAX);
	buf_append(&line, slice_of(before));
	base64_write(&line, secret);
	bool ok = !line.failed && ask(p, buf_slice(&line), slice_of(shown)) &&
		  explain(p, good);
	buf_fini(&line);
	return ok;
}

static bool auth_plain(struct probe *p)
{
	struct buf secret;
	buf_init(&secret, LINE_OUT_MAX);
	write_plain(p, &secret);
	bool ok = !secret.failed &&
		  ask_coded(p, "AUTH PLAIN ", buf_slice(&secret),
			    "AUTH PLAIN ********", PROBE_AUTH_OK);
	buf_fini(&secret);
	return ok;
}

static bool auth(struct probe *p)
{
	bool possible = p->offers_plain || p->offers_login;
	if (p->wire.tls == NULL || !possible) {
		probe_say(p, p->wire.tls == NULL ? PROBE_AUTH_IN_CLEAR :
						   PROBE_NO_AUTH,
			  NONE, NONE, NONE);
		p->code = EXIT_REFUSED;
		return false;
	}
	if (p->offers_plain)
		return auth_plain(p);
	return step(p, PROBE_AUTH_MORE, "AUTH LOGIN", "", "") &&
	       ask_coded(p, "", slice_of(p->user), "", PROBE_AUTH_MORE) &&
	       ask_coded(p, "", p->password, "********", PROBE_AUTH_OK);
}

/* --- the transaction ------------------------------------------------------ */

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s >= 0x80)
			return false;
	return true;
}

static void write_message(const struct probe *p, struct buf *out)
{
	char when[TIME_TEXT_MAX + 8], id[ID_TEXT_MAX];
	int64_t now = os_wall_ms();
	buf_printf(out, "From: <%s>\r\nTo: <%s>\r\nSubject: Test of the relay\r\n"
			"Date: %s\r\nMessage-ID: <%s@%.*s>\r\n"
			"Auto-Submitted: auto-generated\r\n\r\n"
			"A test message of `postrider probe`.\r\n.\r\n",
		   p->from, p->to, time_text_rfc5322(now, when),
		   id_text(id_make(now, os_random_u64() >> 8), id),
		   SLICE_ARG(p->hostname));
}

static bool send_message(struct probe *p)
{
	struct err err = { 0 };
	struct buf message;
	if (!step(p, PROBE_DATA_OK, "DATA", "", ""))
		return false;
	buf_init(&message, LINE_OUT_MAX);
	write_message(p, &message);
	slice rest = buf_slice(&message);
	while (rest.n > 0) {
		slice line = slice_cut(&rest, '\n');
		show_sent(p, slice_sub(line, 0, line.n > 0 ? line.n - 1 : 0));
	}
	bool ok = probe_wire_send(&p->wire, buf_slice(&message), &err);
	buf_fini(&message);
	if (!ok)
		return lost(p, &err);
	return take_reply(p) && explain(p, PROBE_MESSAGE_OK);
}

static bool transaction(struct probe *p)
{
	bool utf8 = p->offers_utf8 &&
		    !(is_ascii(p->from) && (p->to == NULL || is_ascii(p->to)));
	if (!step(p, PROBE_MAIL_OK, "MAIL FROM:<",
		  strcmp(p->from, "<>") == 0 ? "" : p->from,
		  utf8 ? "> SMTPUTF8" : ">"))
		return false;
	if (p->to != NULL &&
	    !step(p, PROBE_RCPT_OK, "RCPT TO:<", p->to, ">"))
		return false;
	return p->data ? send_message(p) :
			 step(p, PROBE_NOT_SENT, "RSET", "", "");
}

void probe_talk(struct probe *p)
{
	p->code = 0;
	bool ok = (!p->tls || encrypt(p)) && greet(p) && ehlo(p) &&
		  (!p->starttls || starttls(p)) &&
		  (p->user == NULL || auth(p)) &&
		  (p->from == NULL || transaction(p));
	int code = p->code;
	invariant(ok == (code == 0));
	if (ok || (code != EXIT_UNREACHED && p->wire.reply.whole &&
		   p->wire.reply.code != 421))
		(void)step(p, PROBE_BYE_OK, "QUIT", "", "");
	p->code = code;
	probe_say(p, ok ? PROBE_RESULT_GOOD :
		     code == EXIT_LATER ? PROBE_RESULT_LATER :
					  PROBE_RESULT_BAD, NONE, NONE, NONE);
}
