/* Values of the configuration file: mappings, lists, names, addresses. */
#include "app/config_private.h"

#include <stdio.h>

#include "base/day.h"
#include "mail/address.h"
#include "wire/say.h"

static const struct text texts[CONFIG_SAY_COUNT] = {
#define TEXT(id, en, ja) [CONFIG_SAY_##id] = { en, ja },
#include "app/config_text.def"
#undef TEXT
};

const struct text *config_text(enum config_text id)
{
	invariant(id < CONFIG_SAY_COUNT);
	return &texts[id];
}

void config_wrong_about(struct parse *p, const struct yaml_node *n,
			enum config_text id, slice a, slice b)
{
	slice args[] = { a, b };
	yaml_say(p->yaml, n, p->errors, config_text(id), args,
		 ARRAY_LEN(args));
}

void config_wrong(struct parse *p, const struct yaml_node *n,
		  enum config_text id)
{
	config_wrong_about(p, n, id, (slice){ 0 }, (slice){ 0 });
}

static void wrong_number(struct parse *p, const struct yaml_node *n,
			 enum config_text id, size_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%zu", number);
	config_wrong_about(p, n, id, slice_of(text), (slice){ 0 });
}

bool config_mapping(struct parse *p, const struct yaml_node *n,
		    const char *const *keys)
{
	if (yaml_kind(n) == YAML_NULL ||
	    !yaml_want(p->yaml, n, YAML_MAPPING, p->errors))
		return false;
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

size_t config_items(struct parse *p, const struct yaml_node *n, size_t max)
{
	if (!yaml_want(p->yaml, n, YAML_SEQUENCE, p->errors))
		return 0;
	if (yaml_count(n) <= max)
		return yaml_count(n);
	wrong_number(p, n, CONFIG_SAY_TOO_MANY, max);
	return 0;
}

size_t config_rows(struct parse *p, const struct yaml_node *n, size_t max)
{
	size_t count = config_items(p, n, max);
	for (size_t i = 0; i < count; i++)
		if (yaml_kind(yaml_item(n, i)) == YAML_NULL) {
			wrong_number(p, n, CONFIG_SAY_ITEM_EMPTY, i + 1);
			return 0;
		}
	return count;
}

void *config_alloc(struct parse *p, const struct yaml_node *n, size_t bytes)
{
	void *memory = arena_alloc(p->arena, bytes);
	if (memory == NULL)
		yaml_say(p->yaml, n, p->errors, say_no_memory(), NULL, 0);
	return memory;
}

const char *config_cstr(struct parse *p, const struct yaml_node *n)
{
	slice s = { 0 };
	if (!yaml_string(p->yaml, n, p->arena, &s, p->errors) || n == NULL)
		return NULL;
	if (s.n == 0) {
		config_wrong(p, n, CONFIG_SAY_EMPTY);
		return NULL;
	}
	char *text = config_alloc(p, n, s.n + 1);
	/* The reader takes no NUL in a text. */
	bool whole = text == NULL || slice_to_cstr(s, text, s.n + 1);
	invariant(whole);
	return text;
}

struct config_place config_place_of(const struct yaml_node *n)
{
	struct config_place at = { 0 };
	yaml_place(n, &at.line, &at.column);
	return at;
}

bool config_day(struct parse *p, const struct yaml_node *n, slice *text,
		int64_t *ends_ms)
{
	uint32_t ends;
	if (n == NULL || !yaml_string(p->yaml, n, p->arena, text, p->errors))
		return false;
	if (day_parse(*text, &ends)) {
		*ends_ms = day_end_ms(ends);
		return true;
	}
	config_wrong_about(p, n, CONFIG_SAY_NO_DAY, *text, (slice){ 0 });
	return false;
}

bool config_domain(struct parse *p, const struct yaml_node *n, slice *out)
{
	struct err err = { 0 };
	slice s = { 0 };
	if (n == NULL || !yaml_string(p->yaml, n, p->arena, &s, p->errors))
		return false;
	if (domain_normalise(s, p->arena, out, &err))
		return true;
	config_wrong_about(p, n, CONFIG_SAY_NO_DOMAIN, s, (slice){ 0 });
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
		config_wrong_about(p, n, CONFIG_SAY_PORT_MISSING, s,
				   (slice){ 0 });
		return false;
	}
	if (!slice_u64(slice_skip(s, colon + 1), 65535, &number) ||
	    number == 0) {
		config_wrong(p, n, CONFIG_SAY_PORT_NUMBER);
		return false;
	}
	*host = slice_sub(s, 0, colon);
	if (slice_starts(*host, SLICE("[")) && host->p[host->n - 1] == ']' &&
	    host->n > 2)
		*host = slice_sub(*host, 1, host->n - 2);
	*port = (uint16_t)number;
	if (is_host(p, *host))
		return true;
	config_wrong_about(p, n, CONFIG_SAY_NO_HOST, *host, (slice){ 0 });
	return false;
}

void config_ranges(struct parse *p, const struct yaml_node *n,
		   struct ip_range **out, size_t *out_count)
{
	size_t count = config_items(p, n, CONFIG_RANGES_MAX);
	struct ip_range *ranges;
	if (count == 0)
		return;
	ranges = config_alloc(p, n, count * sizeof(*ranges));
	if (ranges == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = yaml_item(n, i);
		slice s = yaml_kind(item) == YAML_SCALAR ? yaml_scalar(item)
							 : SLICE("");
		if (!ip_range_parse(s, &ranges[i])) {
			config_wrong_about(p, item, CONFIG_SAY_NO_RANGE, s,
					   (slice){ 0 });
		} else if (ip_range_has_host_bits(&ranges[i])) {
			char text[IP_RANGE_TEXT_MAX];
			struct ip_range network = ip_range_network(&ranges[i]);
			config_wrong_about(p, item, CONFIG_SAY_HOST_BITS, s,
					   slice_of(ip_range_text(&network,
								  text)));
		}
	}
	*out = ranges;
	*out_count = count;
}
