/* Values of the configuration file: mappings, lists, names, addresses. */
#include "app/config_private.h"

#include "mail/address.h"

bool config_mapping(struct parse *p, const struct yaml_node *n,
		    const char *const *keys)
{
	if (yaml_kind(n) == YAML_NULL)
		return false;
	if (yaml_kind(n) != YAML_MAPPING) {
		yaml_error(p->yaml, n, p->errors, "a mapping (key: value) is "
			   "needed here");
		return false;
	}
	yaml_check_keys(p->yaml, n, keys, p->errors);
	return true;
}

void config_walk(struct parse *p, const struct yaml_node *n,
		 const struct config_key *keys)
{
	const char *names[CONFIG_KEYS_MAX + 1] = { NULL };
	size_t count = 0;
	for (; keys[count].name != NULL; count++) {
		invariant(count < CONFIG_KEYS_MAX);
		names[count] = keys[count].name;
	}
	if (!config_mapping(p, n, names))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *value = yaml_get(n, keys[i].name);
		if (value != NULL && yaml_kind(value) != YAML_NULL)
			keys[i].read(p, value);
	}
}

size_t config_items(struct parse *p, const struct yaml_node *n, size_t max,
		    const char *what)
{
	if (yaml_kind(n) != YAML_SEQUENCE) {
		yaml_error(p->yaml, n, p->errors, "a list of %s is needed here",
			   what);
		return 0;
	}
	if (yaml_count(n) > max) {
		yaml_error(p->yaml, n, p->errors, "at most %zu %s", max, what);
		return 0;
	}
	return yaml_count(n);
}

size_t config_rows(struct parse *p, const struct yaml_node *n, size_t max,
		   const char *what)
{
	size_t count = config_items(p, n, max, what);
	for (size_t i = 0; i < count; i++)
		if (yaml_kind(yaml_item(n, i)) == YAML_NULL) {
			yaml_error(p->yaml, n, p->errors, "number %zu of these "
				   "%s is empty", i + 1, what);
			return 0;
		}
	return count;
}

void *config_alloc(struct parse *p, const struct yaml_node *n, size_t bytes)
{
	void *memory = arena_alloc(p->arena, bytes);
	if (memory == NULL)
		yaml_error(p->yaml, n, p->errors, "out of memory");
	return memory;
}

const char *config_cstr(struct parse *p, const struct yaml_node *n)
{
	slice s = { 0 };
	if (!yaml_string(p->yaml, n, p->arena, &s, p->errors) || n == NULL)
		return NULL;
	if (s.n == 0) {
		yaml_error(p->yaml, n, p->errors, "must not be empty");
		return NULL;
	}
	char *text = config_alloc(p, n, s.n + 1);
	if (text != NULL && !slice_to_cstr(s, text, s.n + 1)) {
		yaml_error(p->yaml, n, p->errors, "must not hold a NUL");
		return NULL;
	}
	return text;
}

bool config_domain(struct parse *p, const struct yaml_node *n, slice *out)
{
	struct err err = { 0 };
	slice s = { 0 };
	if (n == NULL || !yaml_string(p->yaml, n, p->arena, &s, p->errors))
		return false;
	if (domain_normalise(s, p->arena, out, &err))
		return true;
	yaml_error(p->yaml, n, p->errors, "\"%.*s\" is no domain name",
		   SLICE_ARG(s));
	return false;
}

static bool is_host(struct parse *p, slice host)
{
	struct ip_addr addr;
	struct err err;
	slice folded;
	return ip_addr_parse(host, &addr) ||
	       (slice_find(host, ':') == host.n &&
		domain_normalise(host, p->arena, &folded, &err));
}

bool config_host_port(struct parse *p, const struct yaml_node *n, slice s,
		      slice *host, uint16_t *port)
{
	size_t colon = slice_rfind(s, ':');
	uint64_t number;
	if (colon == s.n) {
		yaml_error(p->yaml, n, p->errors, "the port is missing: "
			   "\"%.*s:25\"?", SLICE_ARG(s));
		return false;
	}
	if (!slice_u64(slice_skip(s, colon + 1), 65535, &number) ||
	    number == 0) {
		yaml_error(p->yaml, n, p->errors, "a port is a number from 1 "
			   "to 65535");
		return false;
	}
	*host = slice_sub(s, 0, colon);
	if (slice_starts(*host, SLICE("[")) && host->p[host->n - 1] == ']' &&
	    host->n > 2)
		*host = slice_sub(*host, 1, host->n - 2);
	*port = (uint16_t)number;
	if (is_host(p, *host))
		return true;
	yaml_error(p->yaml, n, p->errors, "\"%.*s\" is neither an address nor "
		   "a host name", SLICE_ARG(*host));
	return false;
}
