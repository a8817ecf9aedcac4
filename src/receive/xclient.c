/*
 * XCLIENT from a proxy of the listener (SPEC 1.4): the session becomes that
 * of the client it names, with the client's budgets. LOGIN is the id of an
 * app password: what the proxy has checked, it says so; a login that doesn't
 * stand is refused.
 */
#include "receive/receive_private.h"

#include <stdlib.h>

static void say(struct session *s, enum reply_id id, const char *detail)
{
	slice none = { 0 };
	session_answer(s, id, slice_of(detail), none, none);
}

static const struct app_password *login_of(const struct session *s,
					   slice login)
{
	const struct view *v = s->receive->view;
	const struct app_password *p = view_app_password(v, login), *stands;
	return p != NULL && policy_login_stands(v, login, p->generation,
						&stands) ? stands : NULL;
}

/* Gives back what was held for the one before. False: words say why. */
static bool readmit(struct session *s, const struct ip_addr *client,
		    struct admission_words *words)
{
	struct receive *r = s->receive;
	struct admission now;
	if (!admit_connection(r, client, &now, words))
		return false;
	admission_end(r, &s->admission);
	s->admission = now;
	list_init(&s->admission.node);
	if (now.is_stranger)
		list_append(&r->strangers, &s->admission.node);
	return true;
}

static bool take_helo(struct session *s, const struct smtp_xclient *x)
{
	char *copy = x->helo.n > 0 ? malloc(x->helo.n + 1) : NULL;
	if (x->helo.n > 0 && copy == NULL)
		return false;
	if (copy != NULL) {
		memcpy(copy, x->helo.p, x->helo.n);
		copy[x->helo.n] = '\0';
	}
	free(s->helo);
	s->helo = copy;
	s->extended = x->extended;
	return true;
}

static void become(struct session *s, const struct smtp_xclient *x)
{
	if (!s->by_proxy)
		s->proxy = s->client.addr;
	s->by_proxy = true;
	s->client = (struct ip_port){ .addr = x->addr, .port = x->port };
	s->client_due = false;
}

static void take_login(struct session *s, const struct app_password *login)
{
	s->has_login = login != NULL;
	if (login != NULL) {
		memcpy(s->login_id, login->id, sizeof(s->login_id));
		s->login_generation = login->generation;
	}
}

void session_xclient(struct session *s, const struct smtp_event *ev)
{
	const struct smtp_xclient *x = &ev->xclient;
	const struct app_password *login = NULL;
	struct admission_words words;
	if (x->login.n > 0 && (login = login_of(s, x->login)) == NULL) {
		say(s, REPLY_PARAMETER_VALUE, "LOGIN");
		return;
	}
	if (!take_helo(s, x)) {
		say(s, REPLY_FAULT, "");
		return;
	}
	if (x->has_addr && !readmit(s, &x->addr, &words)) {
		slice none = { 0 };
		session_answer(s, REPLY_BUSY, none, slice_of(words.text),
			       none);
		return;
	}
	if (x->has_addr)
		become(s, x);
	take_login(s, login);
	say(s, REPLY_GREETING, "");
	s->known = s->has_login || s->admission.class_customer != 0;
	if (s->known || s->client_due)
		smtp_server_known_client(s->server);
}
