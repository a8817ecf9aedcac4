/* The configuration file: listeners. */
#include "app/config_private.h"

static const slice NONE = { 0 };

void config_listen_everywhere(struct config_listener *l, slice name,
			      slice address, uint16_t port,
			      enum listener_tls tls)
{
	*l = (struct config_listener){
		.name = name, .address = address, .tls = tls,
		.any_address = true, .at_count = 2,
		.at = { { .port = port }, { .port = port } },
	};
	/* 0.0.0.0 and :: */
	l->at[0].addr.bytes[10] = l->at[0].addr.bytes[11] = 0xff;
}

static bool any_address(slice s, struct config_listener *l)
{
	uint64_t port;
	if (!slice_starts(s, SLICE("*:")) ||
	    !slice_u64(slice_skip(s, 2), 65535, &port) || port == 0)
		return false;
	config_listen_everywhere(l, l->name, s, (uint16_t)port, l->tls);
	return true;
}

static void read_address(struct parse *p, const struct yaml_node *n,
			 struct config_listener *l)
{
	if (!yaml_string(p->yaml, n, p->arena, &l->address, p->errors) ||
	    any_address(l->address, l))
		return;
	l->at_count = 1;
	if (!ip_port_parse(l->address, &l->at[0]) || l->at[0].port == 0)
		config_wrong_about(p, n, CONFIG_SAY_LISTENER_ADDRESS,
				   l->address, NONE);
}

/* A key that is there and empty would mean all, or nobody: neither is meant. */
static void read_ranges(struct parse *p, const struct yaml_node *n,
			struct ip_range **ranges, size_t *count)
{
	if (n == NULL)
		return;
	if (yaml_kind(n) == YAML_SEQUENCE && yaml_count(n) == 0)
		config_wrong(p, n, CONFIG_SAY_NONE_GIVEN);
	else
		config_ranges(p, n, ranges, count);
}

static void read_legacy_tls(struct parse *p, const struct yaml_node *n,
			    struct config_listener *l)
{
	static const char *const keys[] = { "until", "auth", NULL };
	if (n == NULL)
		return;
	l->legacy_at = config_place_of(n);
	if (yaml_kind(n) != YAML_NULL && !config_mapping(p, n, keys))
		return;
	if (yaml_get(n, "until") == NULL)
		config_wrong(p, n, CONFIG_SAY_LEGACY_NO_UNTIL);
	config_day(p, yaml_get(n, "until"), &l->legacy_until,
		   &l->legacy_until_ms);
	yaml_bool(p->yaml, yaml_get(n, "auth"), &l->legacy_auth, p->errors);
	if (l->tls == LISTENER_PLAIN)
		config_wrong(p, n, CONFIG_SAY_LEGACY_PLAIN);
}

static void read_listener(struct parse *p, const struct yaml_node *n,
			  struct config_listener *l)
{
	static const char *const keys[] = { "name", "address", "tls",
					    "proxy", "xclient", "legacy_tls",
					    NULL };
	static const char *const tls[] = { "starttls", "implicit", "none",
					   NULL };
	const struct yaml_node *address;
	unsigned choice = 0;
	if (!config_mapping(p, n, keys))
		return;
	yaml_string(p->yaml, yaml_get(n, "name"), p->arena, &l->name,
		    p->errors);
	if (yaml_choice(p->yaml, yaml_get(n, "tls"), tls, &choice, p->errors))
		l->tls = (enum listener_tls)choice;
	address = yaml_get(n, "address");
	if (address == NULL)
		config_wrong(p, n, CONFIG_SAY_LISTENER_NO_ADDRESS);
	else
		read_address(p, address, l);
	if (l->name.n == 0)
		l->name = l->address;
	read_ranges(p, yaml_get(n, "proxy"), &l->proxies, &l->proxy_count);
	read_ranges(p, yaml_get(n, "xclient"), &l->xclients,
		    &l->xclient_count);
	read_legacy_tls(p, yaml_get(n, "legacy_tls"), l);
}

static bool same_place(const struct config_listener *a,
		       const struct config_listener *b)
{
	for (unsigned i = 0; i < a->at_count; i++)
		for (unsigned k = 0; k < b->at_count; k++)
			if (a->at[i].port == b->at[k].port &&
			    (a->any_address || b->any_address ||
			     ip_addr_eq(&a->at[i].addr, &b->at[k].addr)))
				return true;
	return false;
}

void config_read_listeners(struct parse *p, const struct yaml_node *n)
{
	size_t count = config_rows(p, n, CONFIG_LISTENERS_MAX);
	struct config_listener *rows;
	if (yaml_kind(n) == YAML_SEQUENCE && yaml_count(n) == 0)
		config_wrong(p, n, CONFIG_SAY_NONE_GIVEN);
	if (count == 0)
		return;
	rows = config_alloc(p, n, count * sizeof(*rows));
	if (rows == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		read_listener(p, yaml_item(n, i), &rows[i]);
		for (size_t k = 0; k < i; k++)
			if (same_place(&rows[i], &rows[k]))
				config_wrong_about(p, yaml_item(n, i),
						   CONFIG_SAY_LISTENER_TAKEN,
						   rows[i].address,
						   rows[k].name);
	}
	p->config->listeners = rows;
	p->config->listener_count = count;
}
