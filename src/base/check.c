/* The end of a process whose state is wrong; see check.h. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *expr)
{
	fprintf(stderr, "%s:%d: invariant does not hold: %s\n", file, line,
		expr);
	abort();
}
