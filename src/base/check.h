/*
 * Invariants stay on in release builds: a broken one ends this process, and
 * master starts it again. What was accepted is on disk, so a stop is safe
 * and running on with a wrong state is not.
 */
#pragma once

#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

/* Ends the process with file, line and the expression on stderr. */
_Noreturn void check_failed(const char *file, int line, const char *expr);

#define invariant(x) \
	((x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))

/* A place that can't be reached; says why. */
#define unreachable_state(why) check_failed(__FILE__, __LINE__, why)
