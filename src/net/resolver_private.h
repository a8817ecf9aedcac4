/* What resolver.c and resolver_ub.c share. */
#pragma once

#include "net/resolver.h"

enum { RESOLVER_TYPE_A = 1, RESOLVER_CLASS_IN = 1 };	/* RFC 1035 3.2 */

struct ub_ctx;
/* A context that has answered once; NULL: err. with_hosts: knows /etc/hosts
 * (fails when there is none). */
struct ub_ctx *resolver_new_ub(const struct resolver_config *config,
			       bool with_hosts, struct err *err);
/* Starts its thread: call it masked. */
bool resolver_start_ub(struct ub_ctx *ub, struct err *err);
