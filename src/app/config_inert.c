/* See config_inert.h. */
#include "app/config_inert.h"

/* There is no delivery by MX yet: routes name their ports. */
static bool has_port(const struct config *c)
{
	return c->delivery_port != 25;
}

static bool has_allowed(const struct config *c)
{
	return c->allow_address_count > 0;
}

/* Nothing is validated: "none" is what happens. */
static bool has_anchor(const struct config *c)
{
	return c->dns_trust_anchor != NULL &&
	       strcmp(c->dns_trust_anchor, "none") != 0;
}

static const struct {
	const char *name;
	bool (*is_set)(const struct config *c);
} rows[] = {
	{ "delivery.port", has_port },
	{ "delivery.allow_addresses", has_allowed },
	{ "dns.trust_anchor", has_anchor },
};
_Static_assert(ARRAY_LEN(rows) < CONFIG_INERT_MAX, "room for all and a NULL");

size_t config_inert(const struct config *c,
		    const char *names[CONFIG_INERT_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].is_set(c))
			names[count++] = rows[i].name;
	names[count] = NULL;
	return count;
}

bool config_is_inert(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}
