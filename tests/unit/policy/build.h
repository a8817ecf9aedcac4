/*
 * Small directories for the tests of policy: rows with sensible defaults,
 * put by the same changes that admin sends.
 */
#pragma once

#include "unit/unit.h"

#include "base/map.h"
#include "policy/change.h"
#include "policy/decide.h"
#include "policy/view.h"

struct build {
	struct buf change;
	const struct view *v;
};

static inline void build_init(struct build *b)
{
	buf_init(&b->change, CHANGE_MAX);
	b->v = view_new();
	assert_non_null(b->v);
	change_begin(&b->change, 1, true);
}

static inline void build_fini(struct build *b)
{
	buf_fini(&b->change);
	view_unref(&b->v);
}

/* Applies what was put; true if the view took it. */
static inline bool build_try(struct build *b, struct err *err)
{
	const struct view *next;
	change_end(&b->change);
	assert_false(b->change.failed);
	bool ok = view_apply(b->v, buf_slice(&b->change), &next, err);
	if (ok) {
		view_unref(&b->v);
		b->v = next;
	}
	buf_clear(&b->change);
	change_begin(&b->change, view_revision(b->v) + 1, true);
	return ok;
}

static inline void build_apply(struct build *b)
{
	struct err err = { 0 };
	if (!build_try(b, &err))
		fail_msg("%s (%s)", err.text, err.detail);
}

static inline struct customer a_customer(uint32_t id, const char *name)
{
	return (struct customer){ .id = id, .name = slice_of(name),
				  .licences = 10, .billing = BILLING_PAID,
				  .plan = VIEW_PLAN_STANDARD };
}

static inline struct setting a_setting(uint32_t id, uint32_t customer,
				       enum allowed_senders senders)
{
	return (struct setting){
		.id = id, .customer = customer, .position = id,
		.key = SLICE("head-office"),
		.description = SLICE("Head office"),
		.allowed_senders = senders, .ip_only = true, .enabled = true,
	};
}

static inline struct ip_range a_range(const char *text)
{
	struct ip_range r;
	assert_true(ip_range_parse(slice_of(text), &r));
	return r;
}

static inline struct ip_addr an_ip(const char *text)
{
	struct ip_addr a;
	assert_true(ip_addr_parse(slice_of(text), &a));
	return a;
}

static inline struct ip_entry an_entry(uint32_t id, uint32_t customer,
				       uint32_t setting, const char *range)
{
	return (struct ip_entry){ .id = id, .customer = customer,
				  .setting = setting, .range = a_range(range),
				  .description = SLICE("mail server"),
				  .enabled = true };
}

static inline struct domain a_domain(uint32_t customer, const char *name)
{
	return (struct domain){ .name = slice_of(name), .customer = customer,
				.kind = DOMAIN_PRIMARY, .verified = true };
}

static inline struct user a_user(uint32_t id, uint32_t customer,
				 const char *address)
{
	return (struct user){ .id = id, .customer = customer,
			      .address = slice_of(address) };
}

static inline struct app_password an_app_password(const char *id,
						  uint32_t user,
						  uint32_t customer)
{
	struct app_password p = { .user = user, .customer = customer,
				  .generation = 1 };
	assert_int_equal(strlen(id), sizeof(p.id));
	memcpy(p.id, id, sizeof(p.id));
	return p;
}

static inline struct app_password with_scram(struct app_password p)
{
	p.has_scram = true;
	memset(p.scram_salt, 's', sizeof(p.scram_salt));
	memset(p.scram_stored, p.id[9], sizeof(p.scram_stored));
	memset(p.scram_server, 'k', sizeof(p.scram_server));
	return p;
}

static inline void put_customer(struct build *b, struct customer c)
{
	change_put_customer(&b->change, &c);
}
static inline void put_setting(struct build *b, struct setting s)
{
	change_put_setting(&b->change, &s);
}
static inline void put_entry(struct build *b, struct ip_entry e)
{
	change_put_entry(&b->change, &e);
}
static inline void put_domain(struct build *b, struct domain d)
{
	change_put_domain(&b->change, &d);
}
static inline void put_user(struct build *b, struct user u)
{
	change_put_user(&b->change, &u, NULL, 0);
}
static inline void put_app_password(struct build *b, struct app_password p)
{
	change_put_app_password(&b->change, &p);
}

/* "local@domain" without quoting; "" is the null sender. */
static inline struct address an_address(const char *text)
{
	slice s = slice_of(text);
	size_t at = slice_rfind(s, '@');
	return (struct address){ .local = slice_sub(s, 0, at),
				 .domain = slice_skip(s, at + 1) };
}

static inline const struct app_password *
login_of(const struct view *v, const char *id)
{
	const struct app_password *p = view_app_password(v, slice_of(id));
	assert_non_null(p);
	return p;
}
