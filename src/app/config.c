/*
 * The configuration file: defaults, and the keys at its top. Every value is
 * checked where it stands; the parser goes on after an error, so that all of
 * them are told at once.
 */
#include "app/config_private.h"

#include <stdio.h>

#include "mail/address.h"
#include "wire/say.h"

static const uint64_t MINUTE_MS = 60000;
static const uint64_t DAY_MS = 86400000;
static const uint64_t MIB = 1048576;
static const uint64_t SIZE_MOST = 8388607ULL << 40;	/* no disk is larger */
static const slice NONE = { 0 };

/* --- defaults ------------------------------------------------------------- */

static bool default_lists(struct config *c, struct arena *arena)
{
	static const uint8_t retry_minutes[] = { 1, 2, 4, 8, 15, 30, 60 };
	c->listeners = arena_alloc(arena, 3 * sizeof(*c->listeners));
	c->retry_ms = arena_alloc(arena, sizeof(retry_minutes) *
						 sizeof(*c->retry_ms));
	if (c->listeners == NULL || c->retry_ms == NULL)
		return false;
	config_listen_everywhere(&c->listeners[0], SLICE("smtp"), SLICE("*:2525"), 2525,
		     LISTENER_STARTTLS);
	config_listen_everywhere(&c->listeners[1], SLICE("submission"), SLICE("*:2587"),
		     2587, LISTENER_STARTTLS);
	config_listen_everywhere(&c->listeners[2], SLICE("submissions"), SLICE("*:2465"),
		     2465, LISTENER_IMPLICIT_TLS);
	c->listener_count = 3;
	for (size_t i = 0; i < ARRAY_LEN(retry_minutes); i++)
		c->retry_ms[i] = retry_minutes[i] * MINUTE_MS;
	c->retry_count = ARRAY_LEN(retry_minutes);
	return true;
}

bool config_defaults(struct config *c, struct arena *arena)
{
	*c = (struct config){
		.data_dir = "postrider-data",
		.console_on = true,
		.delivery_port = 25,
		.expire_ms = 5 * DAY_MS,
		.spool_segment_bytes = 64 * MIB,
		.spool_keep_free_bytes = UINT64_MAX,
		.journal_keep_ms = 30 * DAY_MS,
		.journal_bytes = 20 * 1024 * MIB,
		.control_path = "ctl.sock",
	};
	limits_defaults(&c->limits);
	return ip_port_parse(SLICE("127.0.0.1:8025"), &c->console_at) &&
	       default_lists(c, arena);
}

/* --- keys at the top ------------------------------------------------------ */

static void read_hostname(struct parse *p, const struct yaml_node *n)
{
	config_domain(p, n, &p->config->hostname);
}

static void read_data_dir(struct parse *p, const struct yaml_node *n)
{
	const char *s = config_cstr(p, n);
	if (s != NULL)
		p->config->data_dir = s;
}

static void read_user(struct parse *p, const struct yaml_node *n)
{
	p->config->user = config_cstr(p, n);
}

static void read_shards(struct parse *p, const struct yaml_node *n)
{
	uint64_t shards = 0;
	if (yaml_u64(p->yaml, n, 1, CONFIG_SHARDS_MAX, &shards, p->errors))
		p->config->shards = (uint32_t)shards;
}

static void read_certificate(struct parse *p, const struct yaml_node *n)
{
	p->config->tls_certificate = config_cstr(p, n);
	p->config->tls_certificate_at = config_place_of(n);
}

static void read_key(struct parse *p, const struct yaml_node *n)
{
	p->config->tls_key = config_cstr(p, n);
	p->config->tls_key_at = config_place_of(n);
}

static void read_tls(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "certificate", read_certificate },
		{ "key", read_key },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
	/* Each names a value once read; one alone can't be used. */
	if (yaml_kind(n) == YAML_MAPPING &&
	    (yaml_get(n, "certificate") == NULL) !=
		    (yaml_get(n, "key") == NULL))
		config_wrong(p, n, CONFIG_SAY_TLS_HALF);
}

static void read_console_address(struct parse *p, const struct yaml_node *n)
{
	struct config *c = p->config;
	const char *s = config_cstr(p, n);
	if (s == NULL)
		return;
	if (strcmp(s, "none") == 0) {
		c->console_on = false;
	} else if (strncmp(s, "unix:", 5) == 0 && s[5] != '\0') {
		c->console_path = s + 5;
	} else if (!ip_port_parse(slice_of(s), &c->console_at) ||
		   c->console_at.port == 0) {
		config_wrong_about(p, n, CONFIG_SAY_CONSOLE_ADDRESS,
				   slice_of(s), NONE);
	} else if (ip_addr_class(&c->console_at.addr) != IP_LOOPBACK) {
		config_wrong(p, n, CONFIG_SAY_CONSOLE_PUBLIC);
	}
}

/* Of the proxy in front of it, where links lead to. */
static void read_console_url(struct parse *p, const struct yaml_node *n)
{
	const char *s = config_cstr(p, n);
	if (s == NULL)
		return;
	slice url = slice_of(s);
	slice rest = slice_starts(url, SLICE("https://"))
			     ? slice_skip(url, 8)
		     : slice_starts(url, SLICE("http://")) ? slice_skip(url, 7)
							   : NONE;
	bool good = rest.n > 0 && rest.p[0] != '/' && url.n <= 1024;
	for (size_t i = 0; i < rest.n; i++)
		good = good && rest.p[i] > ' ' && rest.p[i] < 0x7f &&
		       strchr("#?\"'<>\\", rest.p[i]) == NULL;
	if (good)
		p->config->console_url = s;
	else
		config_wrong_about(p, n, CONFIG_SAY_CONSOLE_URL, url, NONE);
}

static void read_console(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "address", read_console_address },
		{ "url", read_console_url },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
}

static void read_store_url(struct parse *p, const struct yaml_node *n)
{
	const char *s = config_cstr(p, n);
	if (s == NULL)
		return;
	/* The key stands for the day when there are others. */
	if (strcmp(s, "sqlite:directory.db") != 0)
		config_wrong(p, n, CONFIG_SAY_STORE_URL);
}

static void read_store(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "url", read_store_url },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
}

/* "127.0.0.1@53" or an address alone, as libunbound takes it. */
static bool is_forwarder(const char *s)
{
	slice rest = slice_of(s);
	slice host = slice_cut(&rest, '@');
	struct ip_addr addr;
	uint64_t port;
	bool with_port = strchr(s, '@') != NULL;
	return ip_addr_parse(host, &addr) &&
	       (!with_port || (slice_u64(rest, 65535, &port) && port > 0));
}

static void read_forward(struct parse *p, const struct yaml_node *n)
{
	size_t count = config_items(p, n, CONFIG_FORWARDERS_MAX);
	const char **rows;
	if (count == 0)
		return;
	rows = config_alloc(p, n, (count + 1) * sizeof(*rows));
	if (rows == NULL)
		return;
	for (size_t i = 0; i < count; i++) {
		const struct yaml_node *item = yaml_item(n, i);
		rows[i] = config_cstr(p, item);
		if (rows[i] != NULL && !is_forwarder(rows[i]))
			config_wrong_about(p, item, CONFIG_SAY_NO_SERVER,
					   slice_of(rows[i]), NONE);
	}
	p->config->dns_forward = rows;
}

static void read_anchor(struct parse *p, const struct yaml_node *n)
{
	p->config->dns_trust_anchor = config_cstr(p, n);
}

static void read_dns(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "forward", read_forward },
		{ "trust_anchor", read_anchor },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
}

static void read_operator_mail(struct parse *p, const struct yaml_node *n)
{
	struct address address;
	struct err err = { 0 };
	const char *s = config_cstr(p, n);
	if (s == NULL)
		return;
	p->config->operator_mail = slice_of(s);
	p->config->operator_mail_at = config_place_of(n);
	if (!address_parse(slice_of(s), p->arena, &address, &err) ||
	    address.domain.n == 0)
		config_wrong_about(p, n, CONFIG_SAY_NO_MAIL_ADDRESS,
				   slice_of(s), NONE);
	else
		p->config->operator_domain = address.domain;
}

static void read_operator(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "mail", read_operator_mail },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
}

/* least, most: min and max for people. */
static void read_size(struct parse *p, const struct yaml_node *n, uint64_t min,
		      slice least, uint64_t max, slice most, uint64_t *out)
{
	uint64_t v = 0;
	if (!yaml_size(p->yaml, n, &v, p->errors))
		return;
	if (v < min || v > max)
		config_wrong_about(p, n, CONFIG_SAY_BETWEEN, least, most);
	else
		*out = v;
}

static void read_segment(struct parse *p, const struct yaml_node *n)
{
	read_size(p, n, MIB, SLICE("1MiB"), 1024 * MIB, SLICE("1GiB"),
		  &p->config->spool_segment_bytes);
}

static void read_keep_free(struct parse *p, const struct yaml_node *n)
{
	read_size(p, n, 0, SLICE("0"), SIZE_MOST, SLICE("8388607TiB"),
		  &p->config->spool_keep_free_bytes);
}

static void read_spool(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "segment", read_segment },
		{ "keep_free", read_keep_free },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
}

static void read_journal_keep(struct parse *p, const struct yaml_node *n)
{
	uint64_t v = 0;
	if (!yaml_duration_ms(p->yaml, n, &v, p->errors))
		return;
	if (v < 3600000 || v > 3660 * DAY_MS)
		config_wrong_about(p, n, CONFIG_SAY_BETWEEN, SLICE("1h"),
				   SLICE("3660d"));
	else
		p->config->journal_keep_ms = v;
}

static void read_journal_size(struct parse *p, const struct yaml_node *n)
{
	read_size(p, n, MIB, SLICE("1MiB"), SIZE_MOST, SLICE("8388607TiB"),
		  &p->config->journal_bytes);
}

static void read_journal(struct parse *p, const struct yaml_node *n)
{
	static const struct config_key keys[] = {
		{ "keep", read_journal_keep },
		{ "size", read_journal_size },
		{ NULL, NULL },
	};
	config_walk(p, n, keys);
}

static void read_control(struct parse *p, const struct yaml_node *n)
{
	const char *s = config_cstr(p, n);
	if (s != NULL)
		p->config->control_path = s;
}

/* One key per row of the table of limits. */
static void read_limits(struct parse *p, const struct yaml_node *n)
{
	const char *names[sizeof(struct limits) / sizeof(uint64_t) + 1];
	const struct limit_row *row;
	size_t count = 0;
	for (row = limits_rows(); row->name != NULL; row++)
		names[count++] = row->name;
	names[count] = NULL;
	if (!config_mapping(p, n, names))
		return;
	for (row = limits_rows(); row->name != NULL; row++) {
		const struct yaml_node *node = yaml_get(n, row->name);
		uint64_t v;
		if (node == NULL ||
		    !yaml_u64(p->yaml, node, row->min, row->max, &v,
			      p->errors))
			continue;
		bool set = limits_set(&p->config->limits, row, v);
		invariant(set);		/* between min and max */
	}
}

/* --- the whole ------------------------------------------------------------ */

static const struct config_key top_keys[] = {
	{ "hostname", read_hostname },	  { "data_dir", read_data_dir },
	{ "user", read_user },		  { "shards", read_shards },
	{ "listeners", config_read_listeners },
	{ "tls", read_tls },		  { "console", read_console },
	{ "store", read_store },	  { "dns", read_dns },
	{ "delivery", config_read_delivery },
	{ "operator", read_operator },	  { "spool", read_spool },
	{ "journal", read_journal },	  { "control", read_control },
	{ "limits", read_limits },	  { NULL, NULL },
};

/* Before there is a document. */
static bool parse_fails(const char *file, enum language language,
			const struct text *t, struct buf *errors)
{
	char most[24];
	snprintf(most, sizeof(most), "%d", CONFIG_TEXT_MAX);
	slice arg = slice_of(most);
	say_plain(errors, slice_of(file));
	buf_append(errors, SLICE(": error: "));
	say(errors, t, language, &arg, 1);
	buf_append_char(errors, '\n');
	return false;
}

bool config_parse(slice text, const char *file, enum language language,
		  struct arena *arena, struct config *c, struct buf *errors)
{
	struct yaml *yaml = NULL;
	if (!config_defaults(c, arena))
		return parse_fails(file, language, say_no_memory(), errors);
	c->from_file = true;
	if (text.n > CONFIG_TEXT_MAX)
		return parse_fails(file, language,
				   config_text(CONFIG_SAY_TOO_LARGE), errors);
	if (!yaml_open(text, file, language, &yaml, errors))
		return false;
	struct parse p = { .yaml = yaml, .arena = arena, .errors = errors,
			   .config = c };
	const struct yaml_node *root = yaml_root(yaml);
	if (root != NULL)
		config_walk(&p, root, top_keys);
	yaml_close(&yaml);
	return errors->n == 0 && !errors->failed;
}
