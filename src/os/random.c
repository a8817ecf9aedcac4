/* Random bytes; see random.h. */
#include "os/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/check.h"

void os_random(void *to, size_t n)
{
	char *p = to;
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		/* Without randomness there are no ids: better to stop. */
		invariant(got > 0 && (size_t)got <= n);
		p += got;
		n -= (size_t)got;
	}
}

uint64_t os_random_u64(void)
{
	uint64_t v;
	os_random(&v, sizeof(v));
	return v;
}
