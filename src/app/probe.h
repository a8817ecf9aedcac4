/*
 * `postrider probe`: an SMTP client that shows each line of the dialogue and
 * says in words what it means, and what to change when it is a refusal.
 * Every wait and every line is bounded; a password is never shown, also when
 * a server repeats it.
 */
#pragma once

#include "app/cli.h"
#include "app/probe_wire.h"

enum probe_text {
#define TEXT(id, en, ja) PROBE_##id,
#include "app/probe_text.def"
#undef TEXT
	PROBE_TEXT_COUNT,
};
const struct text *probe_text(enum probe_text id);
/* Of a refusal: never NULL for codes 400 to 599. */
const struct text *probe_explain(unsigned code, slice enhanced, slice words);
/* Of a keyword of EHLO; NULL: not known. */
const struct text *probe_extension(slice keyword);
/* The reference or id that our replies end with; empty: there is none. */
slice probe_reference(slice words);

struct probe {
	const struct cli *cli;
	struct probe_wire wire;
	slice host;			/* name for TLS */
	const char *helo, *user, *from, *to;
	slice password;			/* empty: no login */
	bool tls, starttls, verify, data;
	slice hostname;			/* ours, in the test message */
	/* what the server offers */
	bool offers_starttls, offers_plain, offers_login, offers_utf8;
	int code;			/* to exit with */
};
/* The dialogue over a connection that is open; p->code is set. */
void probe_talk(struct probe *p);
/* "# …" for people, {"from":"probe",…} for programs. */
void probe_say(const struct probe *p, enum probe_text id, slice a, slice b,
	       slice c);
