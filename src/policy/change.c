/* Writing changes, and what the frame of one says; see change.h. */
#include "policy/change_private.h"

#include "base/crc32c.h"
#include "base/cursor.h"

/* --- the frame ------------------------------------------------------------ */
uint32_t change_checksum(slice bytes)
{
	invariant(bytes.n >= CHANGE_HEADER);
	uint32_t crc = crc32c(0, bytes.p, CHANGE_AT_CHECKSUM);
	return crc32c(crc, bytes.p + CHANGE_AT_REVISION,
		      bytes.n - CHANGE_AT_REVISION);
}

bool change_length(slice bytes, size_t *out)
{
	struct cursor c = cursor_of(bytes);
	*out = 0;
	if (bytes.n < CHANGE_AT_CHECKSUM)
		return true;
	uint32_t magic = cursor_u32(&c);
	uint8_t version = cursor_u8(&c), flags = cursor_u8(&c);
	uint16_t reserved = cursor_u16(&c);
	uint32_t length = cursor_u32(&c);
	invariant(!c.failed);
	if (magic != CHANGE_MAGIC || version != CHANGE_VERSION ||
	    (flags & ~CHANGE_FLAG_LAST) != 0 || reserved != 0 ||
	    length < CHANGE_HEADER || length > CHANGE_MAX)
		return false;
	*out = bytes.n >= length ? length : 0;
	return true;
}

bool change_peek(slice bytes, uint64_t *revision, bool *last)
{
	size_t length;
	if (!change_length(bytes, &length) || length == 0 ||
	    length != bytes.n)
		return false;
	struct cursor c = cursor_of(slice_skip(bytes, CHANGE_AT_CHECKSUM));
	uint32_t checksum = cursor_u32(&c);
	*revision = cursor_u64(&c);
	*last = (bytes.p[CHANGE_AT_FLAGS] & CHANGE_FLAG_LAST) != 0;
	return !c.failed && checksum == change_checksum(bytes) &&
	       *revision > 0;
}

static void patch_u32(struct buf *out, size_t at, uint32_t v)
{
	if (out->failed)
		return;
	invariant(out->n >= 4 && at <= out->n - 4);
	for (size_t i = 0; i < 4; i++)
		out->p[at + i] = (char)(uint8_t)(v >> (8 * i));
}

void change_begin(struct buf *out, uint64_t revision, bool last)
{
	invariant(out->n == 0);
	buf_u32(out, CHANGE_MAGIC);
	buf_u8(out, CHANGE_VERSION);
	buf_u8(out, last ? CHANGE_FLAG_LAST : 0);
	buf_u16(out, 0);
	buf_u32(out, 0);		/* length and checksum: at the end */
	buf_u32(out, 0);
	buf_u64(out, revision);
}

void change_end(struct buf *out)
{
	if (out->failed || out->n > CHANGE_MAX) {
		out->failed = true;
		return;
	}
	patch_u32(out, CHANGE_AT_LENGTH, (uint32_t)out->n);
	patch_u32(out, CHANGE_AT_CHECKSUM, change_checksum(buf_slice(out)));
}

/* --- records -------------------------------------------------------------- */

/* Kind and a length that record_end fills in; returns where it began. */
static size_t record_begin(struct buf *out, enum change_record kind)
{
	size_t at = out->n;
	buf_u8(out, (uint8_t)kind);
	buf_u32(out, 0);
	return at;
}

static void record_end(struct buf *out, size_t at)
{
	if (out->failed)
		return;
	size_t n = out->n - at;
	if (n > CHANGE_RECORD_MAX) {
		out->failed = true;
		return;
	}
	patch_u32(out, at + 1, (uint32_t)n - 5);
}

static uint8_t bit_if(bool set, int bit)
{
	return set ? (uint8_t)bit : 0;
}

static void range_write(struct buf *out, const struct ip_range *r)
{
	buf_append_bytes(out, r->first.bytes, sizeof(r->first.bytes));
	buf_u8(out, r->bits);
}

void change_put_customer(struct buf *out, const struct customer *c)
{
	size_t at = record_begin(out, RECORD_PUT_CUSTOMER);
	buf_u32(out, c->id);
	buf_u32(out, c->licences);
	buf_u8(out, (uint8_t)c->billing);
	buf_u8(out, (uint8_t)c->language);
	buf_u8(out, bit_if(c->suspended, CUSTOMER_SUSPENDED) |
			    bit_if(c->closing, CUSTOMER_CLOSING) |
			    CUSTOMER_HAS_PLAN |
			    bit_if(c->allow_private_addresses,
				   CUSTOMER_ALLOW_PRIVATE) |
			    bit_if(c->null_sender_many,
				   CUSTOMER_NULL_SENDER_MANY) |
			    bit_if(c->sender_must_match_login,
				   CUSTOMER_SENDER_MUST_MATCH));
	for (size_t i = 0; i < ARRAY_LEN(c->over_limit); i++)
		buf_u8(out, (uint8_t)c->over_limit[i]);
	buf_bytes32(out, c->name);
	buf_bytes32(out, c->report_address);
	buf_u32(out, c->plan);
	record_end(out, at);
}

void change_put_plan(struct buf *out, const struct named_plan *p)
{
	size_t at = record_begin(out, RECORD_PUT_PLAN);
	buf_u32(out, p->id);
	buf_u8(out, bit_if(p->plan.relay, PLAN_RELAY));
	buf_bytes32(out, p->name);
	buf_u8(out, PLAN_FIGURE_COUNT);
#define FIGURE(name) buf_u64(out, p->plan.name);
	PLAN_FIGURES(FIGURE)
#undef FIGURE
	record_end(out, at);
}

void change_put_setting(struct buf *out, const struct setting *s)
{
	size_t at = record_begin(out, RECORD_PUT_SETTING);
	buf_u32(out, s->id);
	buf_u32(out, s->customer);
	buf_u32(out, s->position);
	buf_u8(out, (uint8_t)s->allowed_senders);
	buf_u8(out, (uint8_t)s->line_ends);
	buf_u8(out, bit_if(s->ip_only, SETTING_IP_ONLY) |
			    bit_if(s->require_auth, SETTING_REQUIRE_AUTH) |
			    bit_if(s->require_tls, SETTING_REQUIRE_TLS) |
			    bit_if(s->enabled, SETTING_ENABLED));
	buf_bytes32(out, s->key);
	buf_bytes32(out, s->description);
	record_end(out, at);
}

void change_put_entry(struct buf *out, const struct ip_entry *e)
{
	size_t at = record_begin(out, RECORD_PUT_ENTRY);
	buf_u32(out, e->id);
	buf_u32(out, e->customer);
	buf_u32(out, e->setting);
	range_write(out, &e->range);
	buf_u8(out, bit_if(e->enabled, ENTRY_ENABLED) |
			    bit_if(e->inert, ENTRY_INERT) |
			    bit_if(e->legacy_tls_until != 0,
				   ENTRY_LEGACY_TLS));
	buf_bytes32(out, e->description);
	if (e->legacy_tls_until != 0)
		buf_u32(out, e->legacy_tls_until);
	record_end(out, at);
}

void change_put_domain(struct buf *out, const struct domain *d)
{
	size_t at = record_begin(out, RECORD_PUT_DOMAIN);
	buf_u32(out, d->customer);
	buf_u8(out, (uint8_t)d->kind);
	buf_u8(out, bit_if(d->verified, DOMAIN_VERIFIED));
	buf_bytes32(out, d->name);
	buf_bytes32(out, d->alias_of);
	record_end(out, at);
}

void change_put_user(struct buf *out, const struct user *u,
		     const slice *aliases, uint32_t alias_count)
{
	size_t at = record_begin(out, RECORD_PUT_USER);
	if (alias_count > VIEW_ALIASES_MAX) {
		out->failed = true;
		return;
	}
	buf_u32(out, u->id);
	buf_u32(out, u->customer);
	buf_u8(out, (uint8_t)u->role);
	buf_u8(out, bit_if(u->suspended, USER_SUSPENDED));
	buf_bytes32(out, u->address);
	buf_u16(out, (uint16_t)alias_count);
	for (uint32_t i = 0; i < alias_count; i++)
		buf_bytes32(out, aliases[i]);
	record_end(out, at);
}

void change_put_app_password(struct buf *out, const struct app_password *p)
{
	size_t at = record_begin(out, RECORD_PUT_APP_PASSWORD);
	buf_append_bytes(out, p->id, sizeof(p->id));
	buf_u32(out, p->user);
	buf_u32(out, p->customer);
	buf_u32(out, p->generation);
	buf_append_bytes(out, p->mac, sizeof(p->mac));
	buf_u8(out, bit_if(p->has_range, APP_PASSWORD_HAS_RANGE) |
			    bit_if(p->has_scram, APP_PASSWORD_HAS_SCRAM));
	struct ip_range none = { 0 };
	range_write(out, p->has_range ? &p->range : &none);
	buf_bytes32(out, p->sender);
	if (p->has_scram) {
		buf_append_bytes(out, p->scram_salt, sizeof(p->scram_salt));
		buf_append_bytes(out, p->scram_stored,
				 sizeof(p->scram_stored));
		buf_append_bytes(out, p->scram_server,
				 sizeof(p->scram_server));
	}
	record_end(out, at);
}

static void remove_id(struct buf *out, enum change_record kind, uint32_t id)
{
	size_t at = record_begin(out, kind);
	buf_u32(out, id);
	record_end(out, at);
}

static void remove_name(struct buf *out, enum change_record kind, slice name)
{
	size_t at = record_begin(out, kind);
	buf_bytes32(out, name);
	record_end(out, at);
}

void change_remove_customer(struct buf *out, uint32_t id)
{
	remove_id(out, RECORD_REMOVE_CUSTOMER, id);
}

void change_remove_plan(struct buf *out, uint32_t id)
{
	remove_id(out, RECORD_REMOVE_PLAN, id);
}

void change_remove_setting(struct buf *out, uint32_t id)
{
	remove_id(out, RECORD_REMOVE_SETTING, id);
}

void change_remove_entry(struct buf *out, uint32_t id)
{
	remove_id(out, RECORD_REMOVE_ENTRY, id);
}

void change_remove_domain(struct buf *out, slice name)
{
	remove_name(out, RECORD_REMOVE_DOMAIN, name);
}

void change_remove_user(struct buf *out, uint32_t id)
{
	remove_id(out, RECORD_REMOVE_USER, id);
}

void change_remove_app_password(struct buf *out, slice id)
{
	remove_name(out, RECORD_REMOVE_APP_PASSWORD, id);
}
