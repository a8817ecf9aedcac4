/* What the parts of the configuration's parser share. */
#pragma once

#include "app/config.h"
#include "wire/yaml.h"

struct parse {
	const struct yaml *yaml;
	struct arena *arena;
	struct buf *errors;
	struct config *config;
};

/* "file:line:col: error: …" about a node. */
void config_wrong(struct parse *p, const struct yaml_node *n,
		  enum config_text id);
/* The same about one or two arguments. */
void config_wrong_about(struct parse *p, const struct yaml_node *n,
			enum config_text id, slice a, slice b);

/* A key of a mapping and who reads its value; rows end with name NULL. */
struct config_key {
	const char *name;
	void (*read)(struct parse *p, const struct yaml_node *n);
};
enum { CONFIG_KEYS_MAX = 32 };

/* Reads a mapping by its keys; an empty value (null) is no mapping and fine. */
void config_walk(struct parse *p, const struct yaml_node *n,
		 const struct config_key *keys);
/* Reports keys outside the list; false when n is no mapping (reported too,
 * unless it is null). */
bool config_mapping(struct parse *p, const struct yaml_node *n,
		    const char *const *keys);
/* The items of a sequence, at most max (reported); 0 when it is none. */
size_t config_items(struct parse *p, const struct yaml_node *n, size_t max);
/* The same where each item must hold something. */
size_t config_rows(struct parse *p, const struct yaml_node *n, size_t max);
/* Zeroed; NULL is reported. */
void *config_alloc(struct parse *p, const struct yaml_node *n, size_t bytes);
/* A string with a NUL behind it that holds none; NULL: reported or missing. */
const char *config_cstr(struct parse *p, const struct yaml_node *n);
/* "2027-06-30": when that day ends in UTC, Unix time in milliseconds; false:
 * reported or missing. *text: as written. */
bool config_day(struct parse *p, const struct yaml_node *n, slice *text,
		int64_t *ends_ms);
struct config_place config_place_of(const struct yaml_node *n);
/* A host name in A-labels and lower case; false: reported or missing. */
bool config_domain(struct parse *p, const struct yaml_node *n, slice *out);
/* "host:port", "192.0.2.1:25", "[::1]:25" in s. */
bool config_host_port(struct parse *p, const struct yaml_node *n, slice s,
		      slice *host, uint16_t *port);

/* Networks: "192.0.2.0/24", "2001:db8::1". What is wrong is reported, and the
 * list may then hold rows that mean nothing. */
void config_ranges(struct parse *p, const struct yaml_node *n,
		   struct ip_range **out, size_t *count);

/* Both families' any-address. */
void config_listen_everywhere(struct config_listener *l, slice name,
			      slice address, uint16_t port,
			      enum listener_tls tls);
void config_read_listeners(struct parse *p, const struct yaml_node *n);
void config_read_delivery(struct parse *p, const struct yaml_node *n);
