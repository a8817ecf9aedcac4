/* The `delivery:` part of the configuration: routes, retries, addresses. */
#include "app/config_private.h"

#include <stdio.h>

#include "mail/address.h"

static const slice NONE = { 0 };

/* --- one route ------------------------------------------------------------ */

static void read_smart_host(struct parse *p, const struct yaml_node *n,
			    struct config_route *r)
{
	slice s = { 0 };
	r->kind = ROUTE_SMART_HOST;
	if (yaml_string(p->yaml, n, p->arena, &s, p->errors))
		config_host_port(p, n, s, &r->host, &r->port);
}

static void read_lmtp(struct parse *p, const struct yaml_node *n,
		      struct config_route *r)
{
	read_smart_host(p, n, r);
	r->kind = ROUTE_LMTP;
}

/* Below data_dir and nowhere else: relay may not write elsewhere. */
static bool is_inside(slice path)
{
	if (path.n == 0 || path.p[0] == '/')
		return false;
	while (path.n > 0) {
		slice part = slice_cut(&path, '/');
		if (part.n == 0 || slice_eq(part, SLICE(".")) ||
		    slice_eq(part, SLICE("..")))
			return false;
	}
	return true;
}

/* What the data directory is for already. */
static bool is_ours(slice path)
{
	static const char *const names[] = { "spool", "journal", "store",
					     "index", "keys",	 "certs",
					     "lock",  "ctl.sock",
					     "backup.lock", "restore.new" };
	slice first = slice_cut(&path, '/');
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (slice_eq(first, slice_of(names[i])))
			return true;
	return false;
}

static void read_maildir(struct parse *p, const struct yaml_node *n,
			 struct config_route *r)
{
	const char *given = config_cstr(p, n);
	r->kind = ROUTE_MAILDIR;
	if (given == NULL)
		return;
	slice path = slice_of(given);
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	char *text = config_alloc(p, n, path.n + 1);
	if (text == NULL || !slice_to_cstr(path, text, path.n + 1))
		return;
	r->maildir = text;
	if (!is_inside(path))
		config_wrong(p, n, CONFIG_SAY_MAILDIR_OUTSIDE);
	else if (is_ours(path))
		config_wrong_about(p, n, CONFIG_SAY_MAILDIR_OURS, path, NONE);
}

static void read_auth(struct parse *p, const struct yaml_node *n,
		      struct config_route *r)
{
	static const char *const keys[] = { "user", "password", NULL };
	const struct yaml_node *user, *password;
	const char *given;
	if (!config_mapping(p, n, keys))
		return;
	user = yaml_get(n, "user");
	password = yaml_get(n, "password");
	if (user == NULL || password == NULL) {
		config_wrong(p, n, CONFIG_SAY_AUTH_HALF);
		return;
	}
	given = config_cstr(p, user);
	if (given != NULL)
		r->user = slice_of(given);
	given = config_cstr(p, password);
	if (given != NULL && strncmp(given, "@file:", 6) == 0)
		r->password_file = given + 6;
	else if (given != NULL)
		r->password = slice_of(given);
	if (r->password_file != NULL && r->password_file[0] != '/')
		config_wrong(p, password, CONFIG_SAY_PASSWORD_PATH);
}

static void read_ends(struct parse *p, const struct yaml_node *n,
		      struct config_route *r)
{
	static const char *const tls[] = { "opportunistic", "required",
					   "never", NULL };
	const struct yaml_node *node = yaml_get(n, "tls");
	unsigned choice = 0;
	if (node != NULL && r->kind != ROUTE_SMART_HOST)
		config_wrong_about(p, node, CONFIG_SAY_SMART_HOST_ONLY,
				   SLICE("tls"), NONE);
	else if (yaml_choice(p->yaml, node, tls, &choice, p->errors))
		r->tls = (enum route_tls)choice;
	node = yaml_get(n, "auth");
	if (node != NULL && r->kind != ROUTE_SMART_HOST)
		config_wrong_about(p, node, CONFIG_SAY_SMART_HOST_ONLY,
				   SLICE("auth"), NONE);
	else if (node != NULL)
		read_auth(p, node, r);
	if (r->user.n > 0 && r->tls == ROUTE_TLS_NEVER)
		config_wrong(p, node, CONFIG_SAY_PASSWORD_PLAIN);
}

static void read_route(struct parse *p, const struct yaml_node *n,
		       struct config_route *r)
{
	static const char *const keys[] = { "domain", "smart_host", "lmtp",
					    "maildir", "tls", "auth", NULL };
	static void (*const readers[])(struct parse *, const struct yaml_node *,
				       struct config_route *) = {
		read_smart_host, read_lmtp, read_maildir };
	unsigned kinds = 0;
	if (!config_mapping(p, n, keys))
		return;
	const struct yaml_node *domain = yaml_get(n, "domain");
	if (domain == NULL)
		config_wrong(p, n, CONFIG_SAY_ROUTE_NO_DOMAIN);
	else if (yaml_kind(domain) == YAML_SCALAR &&
		 slice_eq(yaml_scalar(domain), SLICE("*")))
		r->domain = SLICE("*");
	else
		config_domain(p, domain, &r->domain);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		const struct yaml_node *node = yaml_get(n, keys[i + 1]);
		if (node != NULL && kinds++ == 0)
			readers[i](p, node, r);
	}
	if (kinds != 1)
		config_wrong(p, n, CONFIG_SAY_ROUTE_KINDS);
	else
		read_ends(p, n, r);
}

/* --- delivery ------------------------------------------------------------- */

static void read_routes(struct parse *p, const struct yaml_node *n)
{
	size_t count = config_rows(p, n, CONFIG_ROUTES_MAX);
	struct config_route *routes;
	if (count == 0)
		return;
	routes = config_alloc(p, n, count * sizeof(*routes));
	if (routes == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		read_route(p, yaml_item(n, i), &routes[i]);
	p->config->routes = routes;
	p->config->route_count = count;
}

static void read_allow(struct parse *p, const struct yaml_node *n)
{
	config_ranges(p, n, &p->config->allow_addresses,
		      &p->config->allow_address_count);
}

static void read_port(struct parse *p, const struct yaml_node *n)
{
	uint64_t port = p->config->delivery_port;
	if (yaml_u64(p->yaml, n, 1, 65535, &port, p->errors))
		p->config->delivery_port = (uint16_t)port;
}

static void read_retry(struct parse *p, const struct yaml_node *n)
{
	size_t count = config_items(p, n, CONFIG_RETRIES_MAX);
	uint64_t *times;
	if (count == 0) {
		if (yaml_kind(n) == YAML_SEQUENCE && yaml_count(n) == 0)
			config_wrong(p, n, CONFIG_SAY_NONE_GIVEN);
		return;
	}
	times = config_alloc(p, n, count * sizeof(*times));
	if (times == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = yaml_item(n, i);
		if (yaml_duration_ms(p->yaml, item, &times[i], p->errors) &&
		    (times[i] < 1000 || times[i] > 7 * 86400000ULL))
			config_wrong_about(p, item, CONFIG_SAY_BETWEEN,
					   SLICE("1s"), SLICE("7d"));
	}
	p->config->retry_ms = times;
	p->config->retry_count = count;
}

static void read_expire(struct parse *p, const struct yaml_node *n)
{
	uint64_t *expire = &p->config->expire_ms;
	if (yaml_duration_ms(p->yaml, n, expire, p->errors) &&
	    (*expire < 1000 || *expire > 30 * 86400000ULL))
		config_wrong_about(p, n, CONFIG_SAY_BETWEEN, SLICE("1s"),
				   SLICE("30d"));
}

void config_read_delivery(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "allow_addresses", read_allow }, { "port", read_port },
		{ "retry", read_retry },	   { "expire", read_expire },
		{ "routes", read_routes },	   { NULL, NULL },
	};
	config_walk(p, n, keys);
}

bool config_operator_routed(const struct config *c)
{
	return c->operator_mail.n == 0 ||
	       config_route_of(c, c->operator_domain) != NULL;
}

const struct config_route *config_route_of(const struct config *c, slice domain)
{
	for (size_t i = 0; i < c->route_count; i++)
		if (slice_eq(c->routes[i].domain, SLICE("*")) ||
		    domain_within(domain, c->routes[i].domain))
			return &c->routes[i];
	return NULL;
}
