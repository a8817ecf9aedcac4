/* The counted objects of a view and the keys that find them; see object.h. */
#include "policy/object.h"

#include <stdlib.h>

#include "base/map.h"

/* --- making --------------------------------------------------------------- */

/* Strings go behind the struct, one after the other. */
struct packer {
	char *at;
};

static slice pack(struct packer *p, slice s)
{
	if (s.n == 0)
		return (slice){ 0 };
	slice copy = { p->at, s.n };
	memcpy(p->at, s.p, s.n);
	p->at += s.n;
	return copy;
}

static void *object_new(enum object_kind kind, size_t bytes)
{
	struct object *o = malloc(bytes);
	if (o == NULL)
		return NULL;
	memset(o, 0, sizeof(*o));
	atomic_init(&o->refs, 1);
	o->kind = (uint8_t)kind;
	return o;
}

static struct setting_object *setting_object_of(const struct setting *s)
{
	return CONTAINER_OF((uintptr_t)s, struct setting_object, row);
}

struct object *object_of_customer(const struct customer *row,
				  const struct setting *const *settings,
				  uint32_t setting_count)
{
	struct customer_object *o = object_new(
		OBJECT_CUSTOMER,
		sizeof(*o) + setting_count * sizeof(settings[0]) +
			row->name.n + row->report_address.n);
	if (o == NULL)
		return NULL;
	struct packer p = { (char *)&o->settings[setting_count] };
	o->row = *row;
	o->row.name = pack(&p, row->name);
	o->row.report_address = pack(&p, row->report_address);
	o->row.settings = setting_count ? o->settings : NULL;
	o->row.setting_count = setting_count;
	for (uint32_t i = 0; i < setting_count; i++) {
		o->settings[i] = settings[i];
		object_ref(&setting_object_of(settings[i])->head);
	}
	return &o->head;
}

struct object *object_of_plan(const struct named_plan *row)
{
	struct plan_object *o =
		object_new(OBJECT_PLAN, sizeof(*o) + row->name.n);
	if (o == NULL)
		return NULL;
	struct packer p = { (char *)(o + 1) };
	o->row = *row;
	o->row.name = pack(&p, row->name);
	return &o->head;
}

struct object *object_of_setting(const struct setting *row)
{
	struct setting_object *o =
		object_new(OBJECT_SETTING, sizeof(*o) + row->key.n +
						   row->description.n);
	if (o == NULL)
		return NULL;
	struct packer p = { (char *)(o + 1) };
	o->row = *row;
	o->row.key = pack(&p, row->key);
	o->row.description = pack(&p, row->description);
	return &o->head;
}

struct object *object_of_entry(const struct ip_entry *row)
{
	struct entry_object *o =
		object_new(OBJECT_ENTRY, sizeof(*o) + row->description.n);
	if (o == NULL)
		return NULL;
	struct packer p = { (char *)(o + 1) };
	o->row = *row;
	o->row.description = pack(&p, row->description);
	return &o->head;
}

struct object *object_of_domain(const struct domain *row)
{
	struct domain_object *o = object_new(
		OBJECT_DOMAIN, sizeof(*o) + row->name.n + row->alias_of.n);
	if (o == NULL)
		return NULL;
	struct packer p = { (char *)(o + 1) };
	o->row = *row;
	o->row.name = pack(&p, row->name);
	o->row.alias_of = pack(&p, row->alias_of);
	return &o->head;
}

static size_t aliases_bytes(const slice *aliases, uint32_t count)
{
	size_t bytes = 0;
	for (uint32_t i = 0; i < count; i++) {
		invariant(aliases[i].n <= UINT16_MAX);
		bytes += sizeof(uint16_t) + aliases[i].n;
	}
	return bytes;
}

struct object *object_of_user(const struct user *row, const slice *aliases,
			      uint32_t alias_count)
{
	invariant(alias_count <= UINT16_MAX);
	struct user_object *o = object_new(
		OBJECT_USER, sizeof(*o) + row->address.n +
				     aliases_bytes(aliases, alias_count));
	if (o == NULL)
		return NULL;
	struct packer p = { o->text };
	o->row = *row;
	o->row.address = pack(&p, row->address);
	o->head.alias_count = (uint16_t)alias_count;
	for (uint32_t i = 0; i < alias_count; i++) {
		uint16_t n = (uint16_t)aliases[i].n;
		pack(&p, (slice){ (const char *)&n, sizeof(n) });
		pack(&p, aliases[i]);
	}
	return &o->head;
}

struct object *object_of_alias(uint32_t user, slice address)
{
	invariant(address.n <= UINT16_MAX);
	struct alias_object *o =
		object_new(OBJECT_ALIAS, sizeof(*o) + address.n);
	if (o == NULL)
		return NULL;
	struct packer p = { o->address };
	o->user = user;
	o->n = (uint16_t)pack(&p, address).n;
	return &o->head;
}

struct object *object_of_app_password(const struct app_password *row)
{
	struct app_password_object *o =
		object_new(OBJECT_APP_PASSWORD, sizeof(*o) + row->sender.n);
	if (o == NULL)
		return NULL;
	struct packer p = { (char *)(o + 1) };
	o->row = *row;
	o->row.sender = pack(&p, row->sender);
	return &o->head;
}

struct object *object_of_logins(const struct logins_object *of,
				const struct app_password *row, bool more)
{
	uint32_t n = 0, had = of != NULL ? of->head.alias_count : 0;
	invariant(had < VIEW_SCRAM_MAX || !more);
	uint32_t count = more ? had + 1 : had - 1;
	struct logins_object *o = object_new(
		OBJECT_LOGINS, sizeof(*o) + count * sizeof(o->ids[0]));
	if (o == NULL)
		return NULL;
	for (uint32_t i = 0; i < had && n < count; i++)
		if (memcmp(of->ids[i], row->id, sizeof(row->id)) != 0)
			memcpy(o->ids[n++], of->ids[i], sizeof(row->id));
	if (more)
		memcpy(o->ids[n++], row->id, sizeof(row->id));
	o->user = row->user;
	invariant(n == count);
	o->head.alias_count = (uint16_t)n;
	return &o->head;
}

struct object *object_of_admins(const struct admins_object *of,
				const struct user *row, bool more)
{
	uint32_t n = 0, had = of != NULL ? of->head.alias_count : 0;
	invariant(had < VIEW_SUPER_ADMINS_MAX || !more);
	struct admins_object *o = object_new(
		OBJECT_ADMINS, sizeof(*o) + (had + 1) * sizeof(o->users[0]));
	if (o == NULL)
		return NULL;
	for (uint32_t i = 0; i < had; i++)
		if (of->users[i] != row->id)
			o->users[n++] = of->users[i];
	if (more)
		o->users[n++] = row->id;
	o->customer = row->customer;
	o->head.alias_count = (uint16_t)n;
	return &o->head;
}

struct object *object_of_dependents(slice key, uint32_t count)
{
	invariant(key.n <= UINT8_MAX + 1u && key.n > 0);
	struct dependents_object *o =
		object_new(OBJECT_DEPENDENTS, sizeof(*o) + key.n);
	if (o == NULL)
		return NULL;
	struct packer p = { o->key };
	o->count = count;
	o->head.key_n = (uint8_t)(pack(&p, key).n - 1);
	return &o->head;
}

/* --- counting ------------------------------------------------------------- */
void object_ref(struct object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
}

/* One step deep: only a customer holds other objects, its settings. */
void object_unref(struct object *o)
{
	if (o == NULL)
		return;
	uint32_t was = atomic_fetch_sub_explicit(&o->refs, 1,
						 memory_order_acq_rel);
	invariant(was > 0);
	if (was > 1)
		return;
	if (o->kind == OBJECT_CUSTOMER) {
		const struct customer *c = object_customer(o);
		for (uint32_t i = 0; i < c->setting_count; i++)
			object_unref(&setting_object_of(c->settings[i])->head);
	}
	free(o);
}

size_t object_bytes(const struct object *o)
{
	switch ((enum object_kind)o->kind) {
	case OBJECT_CUSTOMER: {
		const struct customer *c = object_customer(o);
		return sizeof(struct customer_object) +
		       c->setting_count * sizeof(c->settings[0]) +
		       c->name.n + c->report_address.n;
	}
	case OBJECT_PLAN:
		return sizeof(struct plan_object) +
		       object_plan(o)->name.n;
	case OBJECT_SETTING:
		return sizeof(struct setting_object) +
		       object_setting(o)->key.n +
		       object_setting(o)->description.n;
	case OBJECT_ENTRY:
		return sizeof(struct entry_object) +
		       object_entry(o)->description.n;
	case OBJECT_DOMAIN:
		return sizeof(struct domain_object) +
		       object_domain(o)->name.n +
		       object_domain(o)->alias_of.n;
	case OBJECT_USER: {
		size_t bytes = sizeof(struct user_object) +
			       object_user(o)->address.n;
		for (uint32_t i = 0; i < o->alias_count; i++)
			bytes += sizeof(uint16_t) + object_user_alias(o, i).n;
		return bytes;
	}
	case OBJECT_ALIAS:
		return sizeof(struct alias_object) +
		       CONTAINER_OF((uintptr_t)o, struct alias_object,
				    head)->n;
	case OBJECT_APP_PASSWORD:
		return sizeof(struct app_password_object) +
		       object_app_password(o)->sender.n;
	case OBJECT_DEPENDENTS:
		return sizeof(struct dependents_object) + o->key_n + 1u;
	case OBJECT_LOGINS:
		return sizeof(struct logins_object) +
		       o->alias_count * sizeof(object_logins(o)->ids[0]);
	case OBJECT_ADMINS:
		return sizeof(struct admins_object) +
		       o->alias_count * sizeof(object_admins(o)->users[0]);
	}
	unreachable_state("every kind is listed");
}

/* --- the rows inside ------------------------------------------------------ */
#define ROW_OF(o, object_kind_, type)                                        \
	((o) == NULL ? NULL :                                                \
	 (invariant((o)->kind == (object_kind_)),                            \
	  &CONTAINER_OF((uintptr_t)(o), struct type, head)->row))

const struct customer *object_customer(const struct object *o)
{
	return ROW_OF(o, OBJECT_CUSTOMER, customer_object);
}

const struct named_plan *object_plan(const struct object *o)
{
	return ROW_OF(o, OBJECT_PLAN, plan_object);
}

const struct setting *object_setting(const struct object *o)
{
	return ROW_OF(o, OBJECT_SETTING, setting_object);
}

const struct ip_entry *object_entry(const struct object *o)
{
	return ROW_OF(o, OBJECT_ENTRY, entry_object);
}

const struct domain *object_domain(const struct object *o)
{
	return ROW_OF(o, OBJECT_DOMAIN, domain_object);
}

const struct user *object_user(const struct object *o)
{
	return ROW_OF(o, OBJECT_USER, user_object);
}

const struct app_password *object_app_password(const struct object *o)
{
	return ROW_OF(o, OBJECT_APP_PASSWORD, app_password_object);
}

const struct dependents_object *object_dependents(const struct object *o)
{
	if (o == NULL)
		return NULL;
	invariant(o->kind == OBJECT_DEPENDENTS);
	return CONTAINER_OF((uintptr_t)o, struct dependents_object, head);
}

const struct logins_object *object_logins(const struct object *o)
{
	if (o == NULL)
		return NULL;
	invariant(o->kind == OBJECT_LOGINS);
	return CONTAINER_OF((uintptr_t)o, struct logins_object, head);
}

const struct admins_object *object_admins(const struct object *o)
{
	if (o == NULL)
		return NULL;
	invariant(o->kind == OBJECT_ADMINS);
	return CONTAINER_OF((uintptr_t)o, struct admins_object, head);
}

const struct object *object_holding_setting(const struct setting *s)
{
	return &setting_object_of(s)->head;
}

slice object_user_alias(const struct object *o, uint32_t i)
{
	invariant(o->kind == OBJECT_USER && i < o->alias_count);
	const char *at = CONTAINER_OF((uintptr_t)o, struct user_object,
				      head)->text + object_user(o)->address.n;
	for (;;) {
		uint16_t n;
		memcpy(&n, at, sizeof(n));
		at += sizeof(n);
		if (i-- == 0)
			return (slice){ at, n };
		at += n;
	}
}

/* --- keys ----------------------------------------------------------------- */
static uint32_t id_of(const struct object *o)
{
	switch ((enum object_kind)o->kind) {
	case OBJECT_CUSTOMER: return object_customer(o)->id;
	case OBJECT_PLAN: return object_plan(o)->id;
	case OBJECT_SETTING: return object_setting(o)->id;
	case OBJECT_ENTRY: return object_entry(o)->id;
	case OBJECT_USER: return object_user(o)->id;
	case OBJECT_LOGINS: return object_logins(o)->user;
	case OBJECT_ADMINS: return object_admins(o)->customer;
	case OBJECT_DOMAIN:
	case OBJECT_ALIAS:
	case OBJECT_APP_PASSWORD:
	case OBJECT_DEPENDENTS:
		break;
	}
	unreachable_state("this kind has no id");
}

/* Ids are dense, so they are their own hash: the last four bits choose among
 * the 16 of the eighth level, and the levels above it are full. */
static uint64_t id_hash(uint32_t id)
{
	return (uint64_t)id << 32;
}

static uint64_t hash_of_id(const struct object *o)
{
	return id_hash(id_of(o));
}

static bool same_id(const struct object *o, const void *key)
{
	return id_of(o) == *(const uint32_t *)key;
}

struct trie_key key_of_id(const uint32_t *id)
{
	return (struct trie_key){ &OPS_ID, id_hash(*id), id };
}

static uint64_t hash_of_customer_name(const struct object *o)
{
	return hash_bytes(object_customer(o)->name);
}

static bool same_customer_name(const struct object *o, const void *key)
{
	return slice_eq(object_customer(o)->name, *(const slice *)key);
}

static uint64_t hash_of_domain(const struct object *o)
{
	return hash_bytes(object_domain(o)->name);
}

static bool same_domain(const struct object *o, const void *key)
{
	return slice_eq(object_domain(o)->name, *(const slice *)key);
}

static slice app_password_key(const struct object *o)
{
	const struct app_password *p = object_app_password(o);
	return (slice){ p->id, sizeof(p->id) };
}

static uint64_t hash_of_app_password(const struct object *o)
{
	return hash_bytes(app_password_key(o));
}

static bool same_app_password(const struct object *o, const void *key)
{
	return slice_eq(app_password_key(o), *(const slice *)key);
}

static slice dependents_key(const struct object *o)
{
	return (slice){ object_dependents(o)->key, o->key_n + 1u };
}

static uint64_t hash_of_dependents(const struct object *o)
{
	return hash_bytes(dependents_key(o));
}

static bool same_dependents(const struct object *o, const void *key)
{
	return slice_eq(dependents_key(o), *(const slice *)key);
}

struct trie_key key_of_name(const struct trie_ops *ops, const slice *name)
{
	return (struct trie_key){ ops, hash_bytes(*name), name };
}

/* --- addresses ------------------------------------------------------------ */
static bool key_add(struct address_key *k, size_t *n, char c)
{
	if (*n == sizeof(k->room))
		return false;
	k->room[(*n)++] = c;
	return true;
}

static void key_finish(struct address_key *k, size_t n, slice domain)
{
	k->s = (slice){ 0 };
	if (n == 0 || domain.n == 0 || !key_add(k, &n, '@') ||
	    domain.n > sizeof(k->room) - n)
		return;
	memcpy(k->room + n, domain.p, domain.n);
	k->s = (slice){ k->room, n + domain.n };
}

void address_key_of_parts(struct address_key *k, slice local, slice domain)
{
	size_t n = 0;
	k->s = (slice){ 0 };
	for (size_t i = 0; i < local.n; i++)
		if (!key_add(k, &n, ascii_lower(local.p[i])))
			return;
	key_finish(k, n, domain);
}

void address_key_of_text(struct address_key *k, slice text)
{
	size_t at = slice_rfind(text, '@'), n = 0;
	slice local = slice_sub(text, 0, at);
	slice domain = slice_skip(text, at + 1);
	bool quoted = local.n >= 2 && local.p[0] == '"' &&
		      local.p[local.n - 1] == '"';
	if (quoted)
		local = slice_sub(local, 1, local.n - 2);
	k->s = (slice){ 0 };
	for (size_t i = 0; i < local.n; i++) {
		if (quoted && local.p[i] == '\\' && i + 1 < local.n)
			i++;
		if (!key_add(k, &n, ascii_lower(local.p[i])))
			return;
	}
	key_finish(k, n, domain);
}

static slice text_of_address(const struct object *o)
{
	if (o->kind == OBJECT_USER)
		return object_user(o)->address;
	invariant(o->kind == OBJECT_ALIAS);
	const struct alias_object *a =
		CONTAINER_OF((uintptr_t)o, struct alias_object, head);
	return (slice){ a->address, a->n };
}

static uint64_t hash_of_address(const struct object *o)
{
	struct address_key k;
	address_key_of_text(&k, text_of_address(o));
	return hash_bytes(k.s);
}

/* Without quotes a text is its own key but for upper case. */
static bool same_address(const struct object *o, const void *key)
{
	slice text = text_of_address(o), want = *(const slice *)key;
	if (text.n > 0 && text.p[0] == '"') {
		struct address_key k;
		address_key_of_text(&k, text);
		return slice_eq(k.s, want);
	}
	if (text.n != want.n)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (ascii_lower(text.p[i]) != want.p[i])
			return false;
	return true;
}

const struct trie_ops OPS_ID = { hash_of_id, same_id };
const struct trie_ops OPS_CUSTOMER_NAME = { hash_of_customer_name,
					    same_customer_name };
const struct trie_ops OPS_DOMAIN = { hash_of_domain, same_domain };
const struct trie_ops OPS_ADDRESS = { hash_of_address, same_address };
const struct trie_ops OPS_APP_PASSWORD = { hash_of_app_password,
					   same_app_password };
const struct trie_ops OPS_DEPENDENTS = { hash_of_dependents,
					 same_dependents };
