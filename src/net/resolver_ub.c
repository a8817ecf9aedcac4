/*
 * Setting up a libunbound context; see resolver.c. A context is asked a first
 * question when it is made, so that no file is read after the sandbox closes;
 * its thread starts behind that (Landlock binds only the threads to come).
 * Names special to libunbound that a forwarder may know are left to it
 * (RFC 6761 6.2, 8375).
 */
#include <unbound.h>

#include "net/resolver_private.h"

enum { FORWARDERS_MAX = 16 };

static bool ub_failed(struct err *err, int code, const char *what)
{
	err_set(err, ERR_PERMANENT, SCOPE_SELF, "resolver_open",
		"resolver could not be set up");
	return err_detail(err, "libunbound: %s: %s", what, ub_strerror(code));
}

static const char *const ub_options[][2] = {
	/* A forwarder on this machine is usual. */
	{ "do-not-query-localhost:", "no" },
	/* Special to libunbound; a local forwarder may serve them. */
	{ "local-zone:", "test. transparent" },
	{ "local-zone:", "home.arpa. transparent" },
	/* A forwarder that was down is asked again soon: mail waits for it. */
	{ "infra-host-ttl:", "30" },
	{ "infra-keep-probing:", "yes" },
	{ "cache-max-negative-ttl:", "300" },
	/* The library's own defaults (16 sockets) are for occasional use. */
	{ "outgoing-range:", "256" },
	{ "outgoing-num-tcp:", "16" },
	{ "num-queries-per-thread:", "2048" },
	{ "msg-cache-size:", "8m" },
	{ "rrset-cache-size:", "16m" },
};

static bool set_options(struct ub_ctx *ub, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(ub_options); i++) {
		int failed = ub_ctx_set_option(ub, ub_options[i][0],
					       ub_options[i][1]);
		if (failed != 0)
			return ub_failed(err, failed, ub_options[i][0]);
	}
	/* Its messages would go to stderr, past the log. */
	int failed = ub_ctx_debugout(ub, NULL);
	if (failed == 0)
		failed = ub_ctx_async(ub, 1);
	return failed == 0 || ub_failed(err, failed, "options");
}

static bool set_forwarders(struct ub_ctx *ub,
			   const struct resolver_config *config,
			   struct err *err)
{
	int failed = 0;
	if (config->forward == NULL) {
		failed = ub_ctx_resolvconf(ub, NULL);
		/* None: this machine, as libc does. */
		if (failed == UB_READFILE)
			failed = ub_ctx_set_fwd(ub, "127.0.0.1");
		return failed == 0 || ub_failed(err, failed, "resolv.conf");
	}
	for (int i = 0; config->forward[i] != NULL; i++) {
		if (i == FORWARDERS_MAX)
			return ub_failed(err, UB_SYNTAX, "too many forwarders");
		failed = ub_ctx_set_fwd(ub, config->forward[i]);
		if (failed != 0)
			return ub_failed(err, failed, config->forward[i]);
	}
	return true;
}

/* Loads all it will ever need; and wrong settings show here and not with the
 * first mail. */
static bool ask_first(struct ub_ctx *ub, struct err *err)
{
	struct ub_result *result = NULL;
	int failed = ub_resolve(ub, "localhost", RESOLVER_TYPE_A,
				RESOLVER_CLASS_IN, &result);
	if (failed == 0 && !result->havedata)
		failed = UB_SERVFAIL;
	ub_resolve_free(result);
	return failed == 0 || ub_failed(err, failed, "first question");
}

static void answered_first(void *ctx, int failed, struct ub_result *result)
{
	bool *good = ctx;
	*good = failed == 0 && result != NULL && result->havedata;
	ub_resolve_free(result);
}

bool resolver_start_ub(struct ub_ctx *ub, struct err *err)
{
	bool good = false;
	int failed = ub_resolve_async(ub, "localhost", RESOLVER_TYPE_A,
				      RESOLVER_CLASS_IN, &good, answered_first,
				      NULL);
	if (failed == 0)
		failed = ub_wait(ub);
	if (failed == 0 && !good)
		failed = UB_SERVFAIL;
	return failed == 0 || ub_failed(err, failed, "start");
}

struct ub_ctx *resolver_new_ub(const struct resolver_config *config,
			       bool with_hosts, struct err *err)
{
	struct ub_ctx *ub = ub_ctx_create();
	if (ub == NULL) {
		err_set_memory(err, "resolver_open");
		return NULL;
	}
	bool ok = set_options(ub, err) && set_forwarders(ub, config, err);
	int failed = ok && with_hosts ? ub_ctx_hosts(ub, NULL) : 0;
	if (failed != 0)
		ok = ub_failed(err, failed, "hosts");
	if (ok && ask_first(ub, err))
		return ub;
	ub_ctx_delete(ub);
	return NULL;
}
