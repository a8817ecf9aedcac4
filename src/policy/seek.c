/*
 * The look-ups of a decision by names and by address, side by side. One
 * after the other they would wait for memory ten to twenty times; in turn
 * they wait as often as the longest of them. Says the same as view_domain_of
 * and view_user would: tests/unit/policy/test_seek.c.
 *
 * The domain as it stands is looked for first, of the HELO name its parent
 * as well ("mail.example.com"): what lies further up is rare, and is looked
 * up afterwards.
 */
#include "base/map.h"
#include "policy/view_private.h"

enum sought { SENDER, HELO, HELO_ABOVE, USER, SOUGHT_COUNT };

struct search {
	slice names[SOUGHT_COUNT];	/* empty: not looked for */
	struct trie_key keys[SOUGHT_COUNT];
	struct trie_probe probes[SOUGHT_COUNT];
	struct radix_probe entries;
	struct trie_probe owner;	/* the customer of the sender's domain */
	uint32_t owner_id;
	struct address_key user;
};

static void begin(struct search *s, const struct trie *t,
		  const struct trie_ops *ops, enum sought i, slice name)
{
	if (name.n == 0 || t->count == 0)
		return;
	s->names[i] = name;
	s->keys[i] = key_of_name(ops, &s->names[i]);
	trie_probe_begin(&s->probes[i], t, s->keys[i].hash);
}

static void begin_domain(struct search *s, const struct view *v,
			 enum sought i, slice name)
{
	if (name.n <= ADDRESS_DOMAIN_MAX)
		begin(s, &v->domains, &OPS_DOMAIN, i, name);
}

static slice above(slice name)
{
	slice_cut(&name, '.');
	return name;
}

static void begin_all(struct search *s, const struct view *v,
		      const struct seek *seek)
{
	radix_probe_begin(&s->entries, &v->ranges, seek->client);
	begin_domain(s, v, HELO, seek->helo);
	begin_domain(s, v, HELO_ABOVE, above(seek->helo));
	if (seek->sender == NULL)
		return;
	begin_domain(s, v, SENDER, seek->sender->domain);
	if (seek->sender->local.n == 0 || seek->sender->domain.n == 0)
		return;
	address_key_of_parts(&s->user, seek->sender->local,
			     seek->sender->domain);
	begin(s, &v->addresses, &OPS_ADDRESS, USER, s->user.s);
}

static const struct object *ended(const struct search *s, enum sought i)
{
	return s->names[i].n == 0 ? NULL :
				    trie_probe_end(&s->probes[i], &s->keys[i]);
}

static void begin_owner(struct search *s, const struct view *v)
{
	const struct domain *d = object_domain(ended(s, SENDER));
	if (d == NULL)
		return;
	s->owner_id = d->customer;
	struct trie_key k = key_of_id(&s->owner_id);
	trie_probe_begin(&s->owner, &v->customers, k.hash);
}

/* In turn until all have arrived. Whose the sender's domain is is asked one
 * turn after the domain was found, when it is there to be read. */
static void advance(struct search *s, const struct view *v)
{
	const struct trie_probe *sender = &s->probes[SENDER];
	bool moving = true, owner = false;
	while (moving) {
		bool found = !owner && sender->at == NULL;
		moving = radix_probe_step(&s->entries);
		moving |= trie_probes_step(s->probes, SOUGHT_COUNT);
		if (found)
			begin_owner(s, v);
		owner |= found;
		moving |= trie_probe_step(&s->owner) || !owner;
	}
}

/* Which settings it has stands in the customer. */
static void prefetch_settings(const struct search *s)
{
	struct trie_key k = key_of_id(&s->owner_id);
	const struct customer *c = s->owner_id == 0 ? NULL :
		object_customer(trie_probe_end(&s->owner, &k));
	for (uint32_t i = 0; c != NULL && i < c->setting_count &&
			     i < VIEW_SETTINGS_FEW; i++)
		object_prefetch(object_holding_setting(c->settings[i]));
}

static const struct domain *in_force(const struct domain *d)
{
	return d != NULL && d->verified ? d : NULL;
}

void view_seek(const struct view *v, struct seek *seek)
{
	struct search s = { 0 };
	begin_all(&s, v, seek);
	advance(&s, v);
	prefetch_settings(&s);
	seek->helo_domain = in_force(object_domain(ended(&s, HELO)));
	if (seek->helo_domain == NULL)
		seek->helo_domain =
			in_force(object_domain(ended(&s, HELO_ABOVE)));
	if (seek->helo_domain == NULL)
		seek->helo_domain = view_domain_of(v, above(above(seek->helo)));
	seek->sender_domain = NULL;
	seek->sender_user = NULL;
	if (seek->sender == NULL ||
	    seek->sender->domain.n > ADDRESS_DOMAIN_MAX)
		return;
	const struct domain *exact = object_domain(ended(&s, SENDER));
	seek->sender_domain = in_force(exact);
	if (seek->sender_domain == NULL)
		seek->sender_domain =
			view_domain_of(v, above(seek->sender->domain));
	if (seek->sender_domain != NULL)
		seek->sender_user = view_user_known(v, seek->sender,
						    ended(&s, USER), exact);
}
