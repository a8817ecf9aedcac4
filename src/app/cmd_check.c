/*
 * `postrider check`: the configuration, and whether it can be served here:
 * files, user, directory, ports, and what lies in the data directory
 * (check_data.c). Warnings are told, errors give 78. Changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "app/check_private.h"
#include "app/config_inert.h"
#include "app/err_words.h"
#include "app/service.h"
#include "base/json.h"
#include "crypto/tls_context.h"
#include "os/clock.h"
#include "os/net.h"
#include "os/process.h"
#include "wire/say.h"

static const slice NONE = { 0 };

static const struct text texts[CHECK_TEXT_COUNT] = {
#define TEXT(id, en, ja) [CHECK_##id] = { en, ja },
#include "app/check_text.def"
#undef TEXT
};

const struct text *check_text(enum check_text id)
{
	invariant(id < CHECK_TEXT_COUNT);
	return &texts[id];
}

static void tell(struct check *k, bool is_error, const char *place,
		 slice text)
{
	struct buf out;
	buf_init(&out, 65536);
	k->errors += is_error;
	k->warnings += !is_error;
	if (k->cli->json) {
		struct json j;
		json_init(&j, &out);
		json_object(&j);
		json_member_cstr(&j, "severity", is_error ? "error" : "warning");
		json_member_cstr(&j, "place", place);
		json_member_string(&j, "text", text);
		json_object_end(&j);
	} else {
		buf_printf(&out, "%s: %s: ", place,
			   is_error ? "error" : "warning");
		cli_escape(&out, text);
	}
	buf_append_char(&out, '\n');
	/* Findings are the answer of this command. */
	bool told = os_write_out(buf_slice(&out));
	(void)told;
	buf_fini(&out);
}

void check_tell(struct check *k, enum severity severity, const char *place,
		enum check_text id, slice a, slice b)
{
	slice args[] = { a, b };
	struct buf words;
	buf_init(&words, 65536);
	say(&words, check_text(id), k->cli->language, args, ARRAY_LEN(args));
	tell(k, severity == ERROR, place, buf_slice(&words));
	buf_fini(&words);
}

void check_tell_err(struct check *k, const char *place, const struct err *err)
{
	struct buf words;
	struct err only = *err;
	buf_init(&words, 4096);
	/* The detail of a failed system call says the text, too. */
	if (only.detail[0] != '\0')
		only.text[0] = '\0';
	err_words(&words, &only, k->cli->language);
	tell(k, true, place, buf_slice(&words));
	buf_fini(&words);
}

/* About something in the file, in the words of config_text.def. */
static void tell_about(struct check *k, bool is_error, struct config_place at,
		       enum config_text id, slice a, slice b)
{
	char place[400];
	struct buf text;
	slice args[] = { a, b };
	snprintf(place, sizeof(place), "%s:%u:%u", k->file, at.line,
		 at.column);
	buf_init(&text, 4096);
	say(&text, config_text(id), k->cli->language, args, ARRAY_LEN(args));
	tell(k, is_error, place, buf_slice(&text));
	buf_fini(&text);
}

/* "file:line:col: error: text" or "error: text", line by line. */
static void tell_lines(struct check *k, slice lines)
{
	static const slice mark = SLICE("error: ");
	while (lines.n > 0) {
		slice line = slice_cut(&lines, '\n');
		size_t at = slice_find_slice(line, mark);
		char place[300] = "";
		if (at == line.n) {
			tell(k, true, k->file, line);
			continue;
		}
		slice before = slice_sub(line, 0, at > 2 ? at - 2 : 0);
		if (before.n == 0 ||
		    !slice_to_cstr(before, place, sizeof(place)))
			snprintf(place, sizeof(place), "%s", k->file);
		tell(k, true, place, slice_skip(line, at + mark.n));
	}
}

/* --- what is looked at ---------------------------------------------------- */

static void look_at_hostname(struct check *k, const struct config *c,
			     char *hostname, size_t cap)
{
	if (c->hostname.n > 0 && slice_to_cstr(c->hostname, hostname, cap))
		return;
	os_hostname(hostname, cap);
	if (strcmp(hostname, "localhost.localdomain") == 0)
		check_tell(k, WARNING, k->file, CHECK_NO_HOSTNAME, NONE, NONE);
}

static void look_at_certificate(struct check *k, const struct config *c,
				slice pem)
{
	struct err err = { 0 };
	int days;
	char number[24];
	if (c->tls_certificate == NULL) {
		check_tell(k, WARNING, k->file, CHECK_SELF_SIGNED, NONE, NONE);
	} else if (!tls_certificate_days_left(pem, os_wall_ms(), &days,
					      &err)) {
		check_tell_err(k, c->tls_certificate, &err);
	} else if (days < 30) {
		snprintf(number, sizeof(number), "%d",
			 days < 0 ? -days - 1 : days);
		tell_about(k, days < 0, c->tls_certificate_at,
			   days < 0 ? CONFIG_SAY_FILE_CERTIFICATE_OVER
				    : CONFIG_SAY_FILE_CERTIFICATE_ENDS,
			   slice_of(c->tls_certificate), slice_of(number));
	}
}

/* Certificate, key and passwords, without making any. */
static void look_at_files(struct check *k, const struct layout *l,
			  const struct config *c, slice hostname)
{
	struct config_files files = { .file = slice_of(k->file) };
	struct arena arena;
	struct buf errors;
	struct config only = *c;
	arena_init(&arena, CONFIG_ARENA_MAX);
	buf_init(&errors, 65536);
	if (c->tls_certificate == NULL) {
		layout_passwords(&only, k->cli->language, &arena, &files, &errors);
	} else if (!layout_files(l, c, hostname, k->cli->language,
				 &arena, &files, &errors)) {
		files.certificate_pem = (slice){ 0 };
	}
	tell_lines(k, buf_slice(&errors));
	if (c->tls_certificate == NULL || files.certificate_pem.n > 0)
		look_at_certificate(k, c, files.certificate_pem);
	buf_fini(&errors);
	arena_fini(&arena);
}

/* A listener whose day has passed is like the others. */
static void look_at_legacy(struct check *k, const struct config *c)
{
	for (size_t i = 0; i < c->listener_count; i++) {
		const struct config_listener *l = &c->listeners[i];
		if (l->legacy_until_ms != 0 &&
		    l->legacy_until_ms <= os_wall_ms())
			tell_about(k, false, l->legacy_at,
				   CONFIG_SAY_LEGACY_OVER, l->name,
				   l->legacy_until);
	}
}

static bool is_running(const struct layout *l)
{
	char path[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	pid_t holder;
	int fd = -1;
	if (!layout_path(l, "lock", path, sizeof(path)) ||
	    !os_path_exists(path))
		return false;
	bool free_now = os_lock_path(path, &fd, &holder, &err);
	os_close(&fd);
	return !free_now && err.kind == ERR_TEMPORARY;
}

static void look_at_port(struct check *k, const struct ip_port *at,
			 bool optional)
{
	struct err err = { 0 };
	char place[IP_PORT_TEXT_MAX];
	int fd;
	if (os_listen(at, false, &fd, &err)) {
		os_socket_close(&fd);
		return;
	}
	/* "*" on a machine without IPv6. */
	if (optional && !ip_is_v4(&at->addr) && err.os_error != 98 &&
	    err.os_error != 13)
		return;
	check_tell_err(k, ip_port_text(at, place), &err);
}

static void look_at_ports(struct check *k, const struct layout *l,
			  const struct config *c)
{
	if (is_running(l))
		return;			/* it has them */
	for (size_t i = 0; i < c->listener_count; i++)
		for (unsigned n = 0; n < c->listeners[i].at_count; n++)
			look_at_port(k, &c->listeners[i].at[n],
				     c->listeners[i].any_address);
	if (c->console_on && c->console_path == NULL)
		look_at_port(k, &c->console_at, false);
}

/* False: nobody knows where the data lies. */
static bool look_at_place(struct check *k, struct layout *l,
			  const struct config *c)
{
	struct err err = { 0 };
	char blocked[LAYOUT_PATH_MAX];
	if (!layout_find(l, c, &err)) {
		check_tell_err(k, k->file, &err);
		return false;
	}
	if (l->as_root)
		check_tell(k, WARNING, k->file, CHECK_AS_ROOT, NONE, NONE);
	if (l->change_user && os_path_exists(l->path) &&
	    !os_path_passable(l->path, l->uid, l->gid, blocked,
			      sizeof(blocked)))
		check_tell(k, ERROR, k->file, CHECK_BLOCKED, slice_of(blocked),
			   NONE);
	return true;
}

static void look_at_limits(struct check *k, const struct config *c)
{
	uint64_t files = os_descriptors_raise();
	char wanted[24], there[24];
	if (files >= c->limits.connections_total + 1000)
		return;
	snprintf(wanted, sizeof(wanted), "%llu",
		 (unsigned long long)c->limits.connections_total);
	snprintf(there, sizeof(there), "%llu", (unsigned long long)files);
	check_tell(k, WARNING, k->file, CHECK_FEW_FILES, slice_of(wanted),
		   slice_of(there));
}

static void look_at_keys(struct check *k, const struct config *c)
{
	const char *names[CONFIG_INERT_MAX];
	size_t count = config_inert(c, names);
	for (size_t i = 0; i < count; i++)
		check_tell(k, WARNING, k->file, CHECK_INERT,
			   slice_of(names[i]), NONE);
	if (c->dns_forward != NULL && c->dns_trust_anchor == NULL)
		check_tell(k, WARNING, k->file, CHECK_FORWARD_UNSAID, NONE,
			   NONE);
	if (!config_operator_routed(c))
		tell_about(k, false, c->operator_mail_at,
			   CONFIG_SAY_OPERATOR_NO_ROUTE, c->operator_mail,
			   NONE);
	if (c->operator_mail.n == 0)
		check_tell(k, WARNING, k->file, CHECK_NO_OPERATOR, NONE, NONE);
}

/* --- the command ---------------------------------------------------------- */

static bool read_text(struct check *k, struct arena *arena, struct config *c)
{
	struct buf text, errors;
	struct err err = { 0 };
	slice kept;
	if (strcmp(k->file, "-") == 0)
		return config_defaults(c, arena);
	buf_init(&text, CONFIG_TEXT_MAX + 131072);
	buf_init(&errors, 65536);
	bool ok = os_file_load(k->file, CONFIG_TEXT_MAX, &text, &err);
	if (!ok)
		check_tell_err(k, k->file, &err);
	ok = ok && arena_copy(arena, buf_slice(&text), &kept) &&
	     config_parse(kept, k->file, k->cli->language, arena, c,
			  &errors);
	tell_lines(k, buf_slice(&errors));
	buf_fini(&text);
	buf_fini(&errors);
	return ok;
}

static void look_at_all(struct check *k, const struct config *c)
{
	struct layout layout;
	char hostname[256] = "";
	look_at_hostname(k, c, hostname, sizeof(hostname));
	bool placed = look_at_place(k, &layout, c);
	look_at_files(k, &layout, c, slice_of(hostname));
	look_at_legacy(k, c);
	look_at_ports(k, &layout, c);
	look_at_limits(k, c);
	look_at_keys(k, c);
	if (placed)
		check_data(k, &layout);
}

int cmd_check(struct cli *cli)
{
	const char *file = setup_config_file(cli);
	struct check k = { .cli = cli, .file = file ? file : "-" };
	struct arena arena;
	struct config c;
	arena_init(&arena, CONFIG_ARENA_MAX);
	if (read_text(&k, &arena, &c)) {
		if (cli->data_dir != NULL)
			c.data_dir = cli->data_dir;
		look_at_all(&k, &c);
	} else if (k.errors == 0) {
		check_tell(&k, ERROR, k.file, CHECK_NO_MEMORY, NONE, NONE);
	}
	arena_fini(&arena);
	return k.errors > 0 ? 78 : 0;
}
