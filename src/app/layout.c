/* The data directory and the secrets beside it; see layout.h. */
#include "app/layout.h"

#include <stdio.h>

#include "app/err_words.h"
#include "crypto/tls_context.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/random.h"
#include "wire/say.h"

enum { SECRET_FILE_MAX = 65536 };

static bool join(const char *dir, const char *name, char *to, size_t cap)
{
	int n = name[0] == '/' ? snprintf(to, cap, "%s", name)
			       : snprintf(to, cap, "%s/%s", dir, name);
	return n > 0 && (size_t)n < cap;
}

bool layout_path(const struct layout *l, const char *name, char *to,
		 size_t cap)
{
	return join(l->path, name, to, cap);
}

bool layout_control_path(const struct layout *l, const struct config *c,
			 char *to, size_t cap)
{
	return join(l->path, c->control_path, to, cap);
}

/* --- whose, and where ----------------------------------------------------- */

static bool find_user(struct layout *l, const struct config *c,
		      struct err *err)
{
	l->uid = os_user_id();
	if (!os_is_root()) {
		uint32_t uid = l->uid, gid;
		if (c->user != NULL && !os_user_find(c->user, &uid, &gid, err))
			return false;
		return uid == l->uid ||
		       err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_find",
			       "only root can serve as user %s", c->user);
	}
	if (c->user != NULL) {
		l->change_user = true;
		return os_user_find(c->user, &l->uid, &l->gid, err);
	}
	l->change_user = os_user_find("postrider", &l->uid, &l->gid, NULL);
	l->as_root = !l->change_user;
	if (l->as_root)
		l->uid = l->gid = 0;
	return true;
}

bool layout_where(struct layout *l, const struct config *c, struct err *err)
{
	char here[1024] = "";
	*l = (struct layout){ .lock_fd = -1 };
	if (c->data_dir[0] != '/' && !os_working_dir(here, sizeof(here), err))
		return false;
	return join(here, c->data_dir, l->path, sizeof(l->path)) ||
	       err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_where",
		       "data_dir is too long");
}

bool layout_find(struct layout *l, const struct config *c, struct err *err)
{
	return layout_where(l, c, err) && find_user(l, c, err);
}

static bool make_dir(const struct layout *l, const char *name, unsigned mode,
		     bool theirs, struct err *err)
{
	char path[LAYOUT_PATH_MAX];
	return (layout_path(l, name, path, sizeof(path)) ||
		err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_make",
			"data_dir is too long")) &&
	       os_dir_make(path, mode, theirs && l->change_user, l->uid, l->gid,
			   err);
}

bool layout_make(struct layout *l, const struct config *c, struct err *err)
{
	static const struct {
		const char *name;
		bool theirs;
	} dirs[] = { { "spool", true },	     { "journal", true },
		     { "store", true },	     { "index", true },
		     { "store/view", true }, { "keys", false },
		     { "certs", false } };
	char blocked[LAYOUT_PATH_MAX], half[LAYOUT_PATH_MAX];
	if (layout_path(l, LAYOUT_RESTORE, half, sizeof(half)) &&
	    os_path_exists(half))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_make",
			       "a restore into data_dir was not finished: run "
			       "postrider restore again");
	if (!os_dir_make(l->path, 0750, l->change_user, l->uid, l->gid, err))
		return false;
	if (l->change_user && !os_path_passable(l->path, l->uid, l->gid,
						blocked, sizeof(blocked)))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_make",
			       "the service's user can't enter %s, which is "
			       "on the way to data_dir", blocked);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (!make_dir(l, dirs[i].name, 0700, dirs[i].theirs, err))
			return false;
	for (size_t i = 0; i < c->route_count; i++)
		if (c->routes[i].kind == ROUTE_MAILDIR &&
		    !make_dir(l, c->routes[i].maildir, 0700, true, err))
			return false;
	return true;
}

bool layout_lock(struct layout *l, int64_t wait_ms, struct log *log,
		 struct err *err)
{
	char path[LAYOUT_PATH_MAX];
	int64_t until = os_monotonic_ns() / MS + wait_ms;
	struct log_event e;
	pid_t holder;
	bool said = false;
	if (!layout_path(l, "lock", path, sizeof(path)))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_lock",
			       "data_dir is too long");
	while (!os_lock_path(path, &l->lock_fd, &holder, err)) {
		if (err->kind != ERR_TEMPORARY)
			return false;
		if (!said) {
			log_begin(&e, log, LOG_WARNING, "serve.waiting");
			json_member_cstr(&e.json, "text",
					 "another postrider serves this "
					 "data_dir; waiting for its end");
			json_member_u64(&e.json, "pid", (uint64_t)holder);
			log_end(&e);
			said = true;
		}
		if (os_monotonic_ns() / MS >= until)
			return err_set(err, ERR_TEMPORARY, SCOPE_SELF,
				       "layout_lock", "another postrider "
				       "serve is running here (process %d)",
				       (int)holder);
		os_sleep_ms(100);
	}
	return true;
}

/* --- keys ----------------------------------------------------------------- */

bool layout_pepper(const struct layout *l, uint8_t *to, struct err *err)
{
	char path[LAYOUT_PATH_MAX];
	struct buf b;
	if (!layout_path(l, "keys/pepper", path, sizeof(path)))
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_pepper",
			       "data_dir is too long");
	if (!os_path_exists(path)) {
		os_random(to, PEPPER_LEN);
		return os_file_save(path, (slice){ (char *)to, PEPPER_LEN },
				    0400, err);
	}
	buf_init(&b, 2 * 65536);
	bool ok = os_file_load(path, PEPPER_LEN, &b, err);
	if (ok && b.n != PEPPER_LEN)
		ok = err_set(err, ERR_PERMANENT, SCOPE_SELF, "layout_pepper",
			     "keys/pepper is damaged: it has %zu bytes, not %d",
			     b.n, PEPPER_LEN);
	if (ok)
		memcpy(to, b.p, PEPPER_LEN);
	if (b.p != NULL)
		secret_wipe(b.p, b.cap);
	buf_fini(&b);
	return ok;
}

/* Where problems go, in which language, and what they are about. */
struct problems {
	struct buf *errors;
	enum language language;
	slice file;			/* the configuration's; may be empty */
	struct config_place at;
};

static struct problems placed(const struct problems *p, struct config_place place)
{
	struct problems there = *p;
	there.at = place;
	return there;
}

static void say_place(const struct problems *p)
{
	if (p->file.n > 0 && p->at.line > 0) {
		say_plain(p->errors, p->file);
		buf_printf(p->errors, ":%u:%u: ", p->at.line, p->at.column);
	}
	buf_append(p->errors, SLICE("error: "));
}

static bool tell(const struct problems *p, enum config_text what,
		 const char *path, const char *why)
{
	slice args[] = { slice_of(path), slice_of(why) };
	say_place(p);
	say(p->errors, config_text(what), p->language, args, ARRAY_LEN(args));
	buf_append_char(p->errors, '\n');
	return false;
}

/* Because of an error. */
static bool tell_err(const struct problems *p, enum config_text what,
		     const char *path, const struct err *err)
{
	struct buf words;
	slice args[2] = { slice_of(path) };
	buf_init(&words, 4096);
	err_words(&words, err, p->language);
	args[1] = buf_slice(&words);
	say_place(p);
	say(p->errors, config_text(what), p->language, args, ARRAY_LEN(args));
	buf_append_char(p->errors, '\n');
	buf_fini(&words);
	return false;
}

static const char *why(const struct problems *p, enum config_text id)
{
	return text_in(config_text(id), p->language);
}

/* A file that only its owner (and group) may read. */
static bool load_secret(enum config_text what, const char *path, bool secret,
			struct arena *arena, slice *out,
			const struct problems *to)
{
	struct err err = { 0 };
	struct buf b;
	bool closed = true;
	if (secret && !os_file_is_private(path, &closed, &err))
		return tell_err(to, what, path, &err);
	if (!closed)
		return tell(to, what, path, why(to, CONFIG_SAY_WHY_OPEN));
	buf_init(&b, 2 * SECRET_FILE_MAX + 65536);
	bool ok = os_file_load(path, SECRET_FILE_MAX, &b, &err);
	if (!ok)
		tell_err(to, what, path, &err);
	else if (!arena_copy(arena, buf_slice(&b), out))
		ok = tell(to, what, path,
			  text_in(say_no_memory(), to->language));
	if (b.p != NULL)
		secret_wipe(b.p, b.cap);
	buf_fini(&b);
	return ok;
}

static bool make_self_signed(slice hostname, const char *certificate,
			     const char *key, struct err *err)
{
	struct buf certificate_pem, key_pem;
	buf_init(&certificate_pem, 65536);
	buf_init(&key_pem, 65536);
	bool ok = tls_self_signed(hostname, &certificate_pem, &key_pem, err) &&
		  os_file_save(key, buf_slice(&key_pem), 0400, err) &&
		  os_file_save(certificate, buf_slice(&certificate_pem), 0644,
			       err);
	if (key_pem.p != NULL)
		secret_wipe(key_pem.p, key_pem.cap);
	buf_fini(&certificate_pem);
	buf_fini(&key_pem);
	return ok;
}

/* Certificate and key fit each other. */
static bool judge_pair(const struct config *c, const char *certificate,
		       const char *key, const struct config_files *files,
		       const struct problems *to)
{
	struct err err = { 0 };
	struct problems of_certificate = placed(to, c->tls_certificate_at);
	struct problems of_key = placed(to, c->tls_key_at);
	switch (tls_pair_judge(files->certificate_pem, files->key_pem, &err)) {
	case TLS_PAIR_GOOD:
		return true;
	case TLS_PAIR_KEY:
		return tell_err(&of_key, CONFIG_SAY_FILE_KEY, key, &err);
	case TLS_PAIR_FOREIGN:
		return tell(&of_key, CONFIG_SAY_FILE_KEY_FOREIGN, key,
			    certificate);
	case TLS_PAIR_CERTIFICATE:
	case TLS_PAIR_FAULT:
		break;
	}
	return tell_err(&of_certificate, CONFIG_SAY_FILE_CERTIFICATE,
			certificate, &err);
}

static bool load_certificate(const struct layout *l, const struct config *c,
			     slice hostname, struct arena *arena,
			     struct config_files *out,
			     const struct problems *to)
{
	char certificate[LAYOUT_PATH_MAX], key[LAYOUT_PATH_MAX];
	struct err err = { 0 };
	struct problems of_certificate = placed(to, c->tls_certificate_at);
	struct problems of_key = placed(to, c->tls_key_at);
	bool own = c->tls_certificate == NULL;
	if (!layout_path(l, own ? "certs/self-signed.pem" : c->tls_certificate,
			 certificate, sizeof(certificate)) ||
	    !layout_path(l, own ? "keys/self-signed.key" : c->tls_key, key,
			 sizeof(key)))
		return tell(&of_certificate, CONFIG_SAY_FILE_CERTIFICATE, l->path,
			    why(to, CONFIG_SAY_WHY_PATH));
	if (own && (!os_path_exists(certificate) || !os_path_exists(key)) &&
	    !make_self_signed(hostname, certificate, key, &err))
		return tell_err(to, CONFIG_SAY_FILE_SELF_SIGNED, certificate,
				&err);
	return load_secret(CONFIG_SAY_FILE_CERTIFICATE, certificate, false,
			   arena, &out->certificate_pem, &of_certificate) &&
	       load_secret(CONFIG_SAY_FILE_KEY, key, true, arena,
			   &out->key_pem, &of_key) &&
	       judge_pair(c, certificate, key, out, to);
}

bool layout_certificate_over(const struct config *c,
			     const struct config_files *files,
			     int64_t now_wall_ms, enum language language,
			     struct buf *errors)
{
	struct problems to = { errors, language, files->file,
			       c->tls_certificate_at };
	struct err err;
	char text[24];
	int days;
	if (c->tls_certificate == NULL ||
	    !tls_certificate_days_left(files->certificate_pem, now_wall_ms,
				       &days, &err) || days >= 0)
		return false;
	snprintf(text, sizeof(text), "%d", -days - 1);	/* whole ones */
	tell(&to, CONFIG_SAY_FILE_CERTIFICATE_OVER, c->tls_certificate, text);
	return true;
}

static bool load_passwords(const struct config *c, struct arena *arena,
			   struct config_files *out, const struct problems *to)
{
	slice *secrets = arena_alloc(arena, (c->route_count + 1) *
						    sizeof(*secrets));
	bool ok = secrets != NULL ||
		  tell(to, CONFIG_SAY_FILE_PASSWORD, "",
		       text_in(say_no_memory(), to->language));
	for (size_t i = 0; ok && i < c->route_count; i++) {
		const char *file = c->routes[i].password_file;
		if (file == NULL)
			continue;
		ok = load_secret(CONFIG_SAY_FILE_PASSWORD, file, true, arena,
				 &secrets[i], to);
		while (ok && secrets[i].n > 0 &&
		       (secrets[i].p[secrets[i].n - 1] == '\n' ||
			secrets[i].p[secrets[i].n - 1] == '\r'))
			secrets[i].n--;
		if (ok && (secrets[i].n == 0 ||
			   secrets[i].n > BUNDLE_SECRET_MAX))
			ok = tell(to, CONFIG_SAY_FILE_PASSWORD, file,
				  why(to, CONFIG_SAY_WHY_PASSWORD));
	}
	out->secrets = secrets;
	out->secret_count = ok ? c->route_count : 0;
	return ok;
}

bool layout_passwords(const struct config *c, enum language language,
		      struct arena *arena, struct config_files *out,
		      struct buf *errors)
{
	struct problems to = { errors, language, out->file, { 0 } };
	return load_passwords(c, arena, out, &to);
}

bool layout_files(const struct layout *l, const struct config *c,
		  slice hostname, enum language language, struct arena *arena,
		  struct config_files *out, struct buf *errors)
{
	struct problems to = { errors, language, out->file, { 0 } };
	bool ok = load_passwords(c, arena, out, &to);
	return load_certificate(l, c, hostname, arena, out, &to) && ok;
}
