/* What a changed configuration needs; see config_change.h. */
#include "app/config_change.h"

static bool same_text(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool same_console(const struct config *a, const struct config *b)
{
	return a->console_on == b->console_on &&
	       a->console_at.port == b->console_at.port &&
	       ip_addr_eq(&a->console_at.addr, &b->console_at.addr) &&
	       same_text(a->console_path, b->console_path) &&
	       same_text(a->console_url, b->console_url);
}

const char *config_change_fixed(const struct config *a, const struct config *b)
{
	if (!same_text(a->data_dir, b->data_dir))
		return "data_dir";
	if (!same_text(a->user, b->user))
		return "user";
	if (a->shards != b->shards)
		return "shards";
	if (!same_text(a->control_path, b->control_path))
		return "control";
	if (!same_console(a, b))
		return "console";
	return NULL;
}

static bool same_forwarders(const char **a, const char **b)
{
	if (a == NULL || b == NULL)
		return a == b;
	size_t i = 0;
	while (a[i] != NULL && same_text(a[i], b[i]))
		i++;
	return a[i] == NULL && b[i] == NULL;
}

void config_change_waiting(const struct config *a, const struct config *b,
			   void (*each)(void *ctx, const char *key), void *ctx)
{
	const struct limits *x = &a->limits, *y = &b->limits;
	const struct {
		const char *key;
		bool same;
	} rows[] = {
		{ "hostname", slice_eq(a->hostname, b->hostname) },
		{ "dns.forward", same_forwarders(a->dns_forward,
						 b->dns_forward) },
		{ "dns.trust_anchor", same_text(a->dns_trust_anchor,
						b->dns_trust_anchor) },
		{ "spool.segment", a->spool_segment_bytes ==
					   b->spool_segment_bytes },
		{ "spool.keep_free", a->spool_keep_free_bytes ==
					     b->spool_keep_free_bytes },
		{ "journal.keep", a->journal_keep_ms == b->journal_keep_ms },
		{ "journal.size", a->journal_bytes == b->journal_bytes },
		/* How memory and records were laid out at the start. */
		{ "limits.ledger_memory", x->ledger_memory ==
						  y->ledger_memory },
		{ "limits.body_log_max", x->body_log_max == y->body_log_max },
		{ "limits.log_line", x->log_line == y->log_line },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!rows[i].same)
			each(ctx, rows[i].key);
}
