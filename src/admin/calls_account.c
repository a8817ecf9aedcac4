/* The own account: account.change, factor.begin, factor.confirm (CONSOLE 13).
 * What could lock the owner out asks for the password again, so that a page
 * that was left open is not enough. */
#include "admin/calls.h"

#include "admin/calls_people.h"
#include "crypto/login.h"
#include "crypto/password.h"
#include "os/random.h"

static const slice NONE = { 0 };

/* --- how it shows --------------------------------------------------------- */

struct wishes {
	slice language, time_zone, scheme;
	bool has_shortcuts, shortcuts;
};

static bool is_zone(slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '_' || c == '+' ||
			  c == '-' || c == '/';
		if (!ok)
			return false;
	}
	return s.n <= TIME_ZONE_MAX;
}

static bool is_among(slice s, const char *words)
{
	char word[16];
	return s.n == 0 || (slice_find(s, ' ') == s.n &&
			    slice_to_cstr(s, word, sizeof(word)) &&
			    args_among(words, word));
}

static bool take_wishes(struct admin_call *call, struct wishes *w)
{
	w->shortcuts = call->person.shortcuts;
	w->has_shortcuts = args_has(call->args, "shortcuts");
	if (!arg_text(call, "time_zone", false, &w->time_zone) ||
	    !arg_text(call, "scheme", false, &w->scheme) ||
	    !arg_bool(call, "shortcuts", &w->shortcuts) ||
	    !arg_text(call, "language", false, &w->language))
		return false;
	if (!is_zone(w->time_zone))
		return arg_bad(call, "time_zone");
	if (!is_among(w->scheme, "light dark system"))
		return arg_bad(call, "scheme");
	return true;
}

static void keep_wishes(struct admin_call *call, const struct wishes *w)
{
	struct sql q = sql_of(call->admin->store,
			      "UPDATE people SET language = coalesce(?, "
			      "language), time_zone = coalesce(nullif(?,''), "
			      "time_zone), scheme = coalesce(nullif(?,''), "
			      "scheme), shortcuts = ? WHERE id = ?");
	if (w->language.n > 0)
		sql_u64(&q, language_of(w->language));
	else
		sql_null(&q);
	sql_text(&q, w->time_zone);
	sql_text(&q, w->scheme);
	sql_u64(&q, w->shortcuts);
	sql_u64(&q, call->person.id);
	sql_run(&q);
}

/* --- password ------------------------------------------------------------- */

/* False: it is wrong or must wait; the call has ended. */
static bool knows_password(struct admin_call *call, slice password)
{
	slice who = call->person.address;
	if (!call_may_try(call, who))
		return false;
	if (login_verify(password, call->person.password))
		return true;
	call_try_failed(call, who, CALL_REFUSED, SAY_PASSWORD_WRONG);
	return false;
}

void call_account_change(struct admin_call *call)
{
	slice old = NONE, new = NONE;
	struct wishes w = { 0 };
	if (!call_is_front(call) || !take_wishes(call, &w) ||
	    !arg_text(call, "password_old", false, &old) ||
	    !arg_text(call, "password_new", false, &new))
		return;
	if (new.n > 0 && (!knows_password(call, old) ||
			  !call_new_password(call, new)))
		return;
	if (new.n == 0)
		store_begin(call->admin->store);
	keep_wishes(call, &w);
	if (call_stored(call))
		call_end(call, CALL_OK, NONE);
}

/* --- second factor -------------------------------------------------------- */

/* otpauth://totp/Postrider:alice%40example.com?secret=…&issuer=Postrider */
static void write_uri(struct buf *uri, slice address, const char *secret)
{
	static const char hex[] = "0123456789ABCDEF";
	buf_append(uri, SLICE("otpauth://totp/Postrider:"));
	for (size_t i = 0; i < address.n; i++) {
		uint8_t c = (uint8_t)address.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '.' || c == '-' ||
			     c == '_';
		if (plain) {
			buf_append_char(uri, (char)c);
			continue;
		}
		buf_append_char(uri, '%');
		buf_append_char(uri, hex[c >> 4]);
		buf_append_char(uri, hex[c & 15]);
	}
	buf_printf(uri, "?secret=%s&issuer=Postrider", secret);
}

static void tell_factor(struct admin_call *call,
			const uint8_t secret[TOTP_SECRET_LEN])
{
	char text[TOTP_SECRET_TEXT];
	struct call_object row;
	struct json *j = call_row_begin(&row, 8192);
	struct buf uri;
	totp_secret_text(secret, text);
	buf_init(&uri, 4096);
	write_uri(&uri, call->person.address, text);
	json_member_cstr(j, "secret", text);
	json_member_string(j, "uri", buf_slice(&uri));
	row.text.failed = row.text.failed || uri.failed;
	call_row_end(call, &row);
	secret_wipe(text, sizeof(text));
	if (uri.cap > 0)
		secret_wipe(uri.p, uri.cap);
	buf_fini(&uri);
}

/* A new secret waits in the session until a code of it proves that it was
 * taken; until then the old factor stays. */
void call_factor_begin(struct admin_call *call)
{
	uint8_t secret[TOTP_SECRET_LEN], sealed[TOTP_SECRET_LEN + SEAL_MORE];
	slice password = NONE;
	struct err err;
	if (!call_is_front(call) ||
	    !arg_text(call, "password", false, &password))
		return;
	if (call->at.state == SESSION_IN && !knows_password(call, password))
		return;
	os_random(secret, sizeof(secret));
	bool ok = factor_seal(call->admin, call->person.id, secret, sealed);
	if (ok)
		session_set_pending(call->admin->store, call->at.id,
				    (slice){ (const char *)sealed,
					     sizeof(sealed) });
	bool good = store_good(call->admin->store, &err);
	if (ok && good)
		tell_factor(call, secret);
	secret_wipe(secret, sizeof(secret));
	if (!good)
		call_fail(call, &err, SAY_STORE_FAILED);
	else if (!ok)
		call_no_memory(call);
	else
		call_end(call, CALL_OK, NONE);
}

static bool proves_pending(struct admin_call *call, slice code, uint64_t *step)
{
	uint8_t secret[TOTP_SECRET_LEN] = { 0 };
	bool ok = factor_open(call->admin, call->person.id, call->at.pending,
			      secret) &&
		  totp_match(secret, code, admin_wall_ms(call->admin) / 1000, 0,
			     step);
	secret_wipe(secret, sizeof(secret));
	return ok;
}

static void tell_recovery(void *ctx, struct json *j)
{
	char(*codes)[RECOVERY_TEXT] = ctx;
	json_key(j, "recovery");
	json_array(j);
	for (size_t i = 0; i < RECOVERY_CODES; i++)
		json_string(j, slice_of(codes[i]));
	json_array_end(j);
}

void call_factor_confirm(struct admin_call *call)
{
	struct admin *a = call->admin;
	char codes[RECOVERY_CODES][RECOVERY_TEXT] = { 0 };
	slice code = NONE;
	uint64_t step = 0;
	if (!call_is_front(call) || !arg_text(call, "code", true, &code) ||
	    !call_may_try(call, call->person.address))
		return;
	if (!proves_pending(call, code, &step)) {
		call_try_failed(call, call->person.address, CALL_REFUSED,
				SAY_CODE_WRONG);
		return;
	}
	store_begin(a->store);
	if (!person_set_factor(a, call->person.id, call->at.pending, step,
			       codes))
		store_fail(a->store, "out of memory");
	session_set_pending(a->store, call->at.id, NONE);
	sessions_end(a->store, call->person.id, call->at.id);
	call_audit(call, SLICE("factor.change"), call->person.customer,
		   call->person.address, NONE);
	call->person.factor = call->at.pending;
	call_session_go_on(call, true, tell_recovery, codes);
	secret_wipe(codes, sizeof(codes));
}
