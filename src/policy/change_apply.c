/*
 * Reading changes into views; see change.h. The reader is strict: a byte
 * that means nothing, an enum out of range or a record longer than its row
 * refuses the whole change.
 */
#include "policy/change_private.h"

#include "base/cursor.h"
#include "policy/view_private.h"

/* --- fields --------------------------------------------------------------- */

/* An enum or set of bits of at most `max`; more fails the cursor. */
static uint8_t small(struct cursor *c, uint8_t max)
{
	uint8_t v = cursor_u8(c);
	if (v > max)
		c->failed = true;
	return v;
}

static slice text(struct cursor *c)
{
	return cursor_bytes32(c, CHANGE_RECORD_MAX);
}

static struct ip_range range(struct cursor *c)
{
	struct ip_range r = { 0 };
	slice first = cursor_take(c, sizeof(r.first.bytes));
	if (first.n == sizeof(r.first.bytes))
		memcpy(r.first.bytes, first.p, first.n);
	r.bits = small(c, 128);
	return r;
}

static bool malformed(struct err *err)
{
	return edit_refused(err, "record is malformed");
}

/* --- rows ----------------------------------------------------------------- */
static bool put_customer(struct view *v, struct cursor *c, struct err *err)
{
	struct customer row = { .id = cursor_u32(c) };
	row.licences = cursor_u32(c);
	row.billing = (enum billing)small(c, BILLING_PAID);
	row.language = (enum language)small(c, LANGUAGE_JA);
	uint8_t bits = small(c, CUSTOMER_BITS);
	row.suspended = (bits & CUSTOMER_SUSPENDED) != 0;
	row.closing = (bits & CUSTOMER_CLOSING) != 0;
	row.allow_private_addresses = (bits & CUSTOMER_ALLOW_PRIVATE) != 0;
	row.null_sender_many = (bits & CUSTOMER_NULL_SENDER_MANY) != 0;
	row.sender_must_match_login =
		(bits & CUSTOMER_SENDER_MUST_MATCH) != 0;
	for (size_t i = 0; i < ARRAY_LEN(row.over_limit); i++)
		row.over_limit[i] = (enum over_limit)small(c, OVER_HOLD);
	row.name = text(c);
	row.report_address = text(c);
	if ((bits & CUSTOMER_HAS_PLAN) == 0)
		row.plan = (bits & CUSTOMER_RELAY_IN_PLAN) != 0 ?
				   VIEW_PLAN_STANDARD :
				   VIEW_PLAN_WITHOUT_RELAY;
	else if ((bits & CUSTOMER_RELAY_IN_PLAN) != 0)
		return malformed(err);
	else
		row.plan = cursor_u32(c);
	return cursor_done(c) ? edit_put_customer(v, &row, err) :
				malformed(err);
}

static bool put_plan(struct view *v, struct cursor *c, struct err *err)
{
	struct named_plan row = { .id = cursor_u32(c), .plan = PLAN_STANDARD };
	row.plan.relay = small(c, PLAN_RELAY) != 0;
	row.name = text(c);
	uint8_t left = small(c, PLAN_FIGURE_COUNT);
#define FIGURE(name)                               \
	if (left > 0) {                            \
		row.plan.name = cursor_u64(c);     \
		left--;                            \
	}
	PLAN_FIGURES(FIGURE)
#undef FIGURE
	return cursor_done(c) ? edit_put_plan(v, &row, err) : malformed(err);
}

static bool put_setting(struct view *v, struct cursor *c, struct err *err)
{
	struct setting row = { .id = cursor_u32(c) };
	row.customer = cursor_u32(c);
	row.position = cursor_u32(c);
	row.allowed_senders = (enum allowed_senders)small(c, SENDERS_ANY);
	row.line_ends = (enum line_ends)small(c, LINE_ENDS_NORMALISE);
	uint8_t bits = small(c, SETTING_BITS);
	row.ip_only = (bits & SETTING_IP_ONLY) != 0;
	row.require_auth = (bits & SETTING_REQUIRE_AUTH) != 0;
	row.require_tls = (bits & SETTING_REQUIRE_TLS) != 0;
	row.enabled = (bits & SETTING_ENABLED) != 0;
	row.key = text(c);
	row.description = text(c);
	return cursor_done(c) ? edit_put_setting(v, &row, err) :
				malformed(err);
}

static bool put_entry(struct view *v, struct cursor *c, struct err *err)
{
	struct ip_entry row = { .id = cursor_u32(c) };
	row.customer = cursor_u32(c);
	row.setting = cursor_u32(c);
	row.range = range(c);
	uint8_t bits = small(c, ENTRY_BITS);
	row.enabled = (bits & ENTRY_ENABLED) != 0;
	row.inert = (bits & ENTRY_INERT) != 0;
	row.description = text(c);
	bool is_legacy = (bits & ENTRY_LEGACY_TLS) != 0;
	if (is_legacy)
		row.legacy_tls_until = cursor_u32(c);
	if (is_legacy && row.legacy_tls_until == 0)
		return malformed(err);
	return cursor_done(c) ? edit_put_entry(v, &row, err) : malformed(err);
}

static bool put_domain(struct view *v, struct cursor *c, struct err *err)
{
	struct domain row = { .customer = cursor_u32(c) };
	row.kind = (enum domain_kind)small(c, DOMAIN_ALIAS);
	row.verified = small(c, DOMAIN_VERIFIED) != 0;
	row.name = text(c);
	row.alias_of = text(c);
	return cursor_done(c) ? edit_put_domain(v, &row, err) :
				malformed(err);
}

static bool put_user(struct view *v, struct cursor *c, struct err *err)
{
	struct user row = { .id = cursor_u32(c) };
	row.customer = cursor_u32(c);
	row.role = (enum role)small(c, ROLE_SUPER_ADMIN);
	row.suspended = small(c, USER_SUSPENDED) != 0;
	row.address = text(c);
	slice aliases[VIEW_ALIASES_MAX];
	uint32_t count = cursor_u16(c);
	if (count > VIEW_ALIASES_MAX)
		return malformed(err);
	for (uint32_t i = 0; i < count; i++)
		aliases[i] = text(c);
	return cursor_done(c) ? edit_put_user(v, &row, aliases, count, err) :
				malformed(err);
}

static void octets(struct cursor *c, uint8_t *to, size_t n)
{
	slice s = cursor_take(c, n);
	if (s.n == n)
		memcpy(to, s.p, n);
}

static bool put_app_password(struct view *v, struct cursor *c,
			     struct err *err)
{
	struct app_password row = { 0 };
	slice id = cursor_take(c, sizeof(row.id));
	row.user = cursor_u32(c);
	row.customer = cursor_u32(c);
	row.generation = cursor_u32(c);
	slice mac = cursor_take(c, sizeof(row.mac));
	uint8_t bits = small(c, APP_PASSWORD_BITS);
	row.has_range = (bits & APP_PASSWORD_HAS_RANGE) != 0;
	row.has_scram = (bits & APP_PASSWORD_HAS_SCRAM) != 0;
	row.range = range(c);
	row.sender = text(c);
	if (row.has_scram) {
		octets(c, row.scram_salt, sizeof(row.scram_salt));
		octets(c, row.scram_stored, sizeof(row.scram_stored));
		octets(c, row.scram_server, sizeof(row.scram_server));
	}
	if (!cursor_done(c))
		return malformed(err);
	memcpy(row.id, id.p, sizeof(row.id));
	memcpy(row.mac, mac.p, sizeof(row.mac));
	return edit_put_app_password(v, &row, err);
}

static bool remove_by_id(struct view *v, struct cursor *c,
			 bool (*remove)(struct view *, uint32_t,
					struct err *),
			 struct err *err)
{
	uint32_t id = cursor_u32(c);
	return cursor_done(c) ? remove(v, id, err) : malformed(err);
}

static bool remove_by_name(struct view *v, struct cursor *c,
			   bool (*remove)(struct view *, slice, struct err *),
			   struct err *err)
{
	slice name = text(c);
	return cursor_done(c) ? remove(v, name, err) : malformed(err);
}

static bool apply_record(struct view *v, uint8_t kind, slice body,
			 struct err *err)
{
	struct cursor c = cursor_of(body);
	switch (kind) {
	case RECORD_PUT_CUSTOMER: return put_customer(v, &c, err);
	case RECORD_PUT_PLAN: return put_plan(v, &c, err);
	case RECORD_PUT_SETTING: return put_setting(v, &c, err);
	case RECORD_PUT_ENTRY: return put_entry(v, &c, err);
	case RECORD_PUT_DOMAIN: return put_domain(v, &c, err);
	case RECORD_PUT_USER: return put_user(v, &c, err);
	case RECORD_PUT_APP_PASSWORD: return put_app_password(v, &c, err);
	case RECORD_REMOVE_CUSTOMER:
		return remove_by_id(v, &c, edit_remove_customer, err);
	case RECORD_REMOVE_PLAN:
		return remove_by_id(v, &c, edit_remove_plan, err);
	case RECORD_REMOVE_SETTING:
		return remove_by_id(v, &c, edit_remove_setting, err);
	case RECORD_REMOVE_ENTRY:
		return remove_by_id(v, &c, edit_remove_entry, err);
	case RECORD_REMOVE_DOMAIN:
		return remove_by_name(v, &c, edit_remove_domain, err);
	case RECORD_REMOVE_USER:
		return remove_by_id(v, &c, edit_remove_user, err);
	case RECORD_REMOVE_APP_PASSWORD:
		return remove_by_name(v, &c, edit_remove_app_password, err);
	default:
		return edit_refused(err, "record of an unknown kind");
	}
}

/* --- the change ----------------------------------------------------------- */
static bool apply_records(struct view *v, slice records, struct err *err)
{
	struct cursor c = cursor_of(records);
	for (uint32_t n = 0; c.rest.n > 0; n++) {
		uint8_t kind = cursor_u8(&c);
		slice body = cursor_bytes32(&c, CHANGE_RECORD_MAX);
		if (c.failed)
			return malformed(err);
		if (!apply_record(v, kind, body, err))
			return err_detail(err, "record %u of kind %u", n,
					  kind);
	}
	return true;
}

static bool fits(const struct view *from, uint64_t revision, struct err *err)
{
	if (from->complete ? revision > from->revision :
			     revision == from->revision)
		return true;
	return edit_refused(err, from->complete ?
				 "change of an earlier revision" :
				 "a part of another change is due");
}

bool view_apply_onto(const struct view **view, slice bytes, struct err *err)
{
	uint64_t revision;
	bool last;
	bool ok = change_peek(bytes, &revision, &last) ||
		  edit_refused(err, "not a change");
	if (!ok || !fits(*view, revision, err)) {
		view_unref(view);
		return false;
	}
	struct view *v = view_take(view);
	if (v == NULL)
		return err_set_memory(err, "view_apply");
	const struct view *done = v;
	if (!apply_records(v, slice_skip(bytes, CHANGE_HEADER), err)) {
		view_unref(&done);
		return false;
	}
	v->revision = revision;
	v->complete = last;
	*view = done;
	return true;
}

bool view_apply(const struct view *from, slice bytes, const struct view **out,
		struct err *err)
{
	const struct view *v = view_ref(from);
	if (!view_apply_onto(&v, bytes, err))
		return false;
	*out = v;
	return true;
}
