/*
 * The PROXY v2 header with any bytes. The law: every beginning of a header
 * that is read asks for more, and what stands behind it changes nothing.
 */
#include <stdlib.h>

#include "smtp/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In a block of its own, so that the sanitizer sees a read behind its end. */
static enum proxy_result look(const uint8_t *data, size_t n,
			      struct proxy_header *out)
{
	char *p = malloc(n ? n : 1);
	if (p == NULL)
		abort();
	if (n > 0)
		memcpy(p, data, n);
	enum proxy_result result = proxy_header_read((slice){ p, n }, out);
	free(p);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, part;
	enum proxy_result result = look(data, size, &whole);
	bool is_read = result == PROXY_LOCAL || result == PROXY_CLIENT;
	invariant(!is_read || (whole.length >= PROXY_HEADER_MIN &&
			       whole.length <= PROXY_HEADER_MAX &&
			       whole.length <= size));
	size_t end = is_read ? whole.length : size;
	for (size_t n = 0; n < end && n <= PROXY_HEADER_MAX; n++) {
		enum proxy_result early = look(data, n, &part);
		invariant(early == PROXY_MORE ||
			  (early == PROXY_BAD && !is_read));
		if (early == PROXY_BAD)	/* once bad, always bad */
			invariant(result == PROXY_BAD);
	}
	if (is_read) {
		invariant(look(data, end, &part) == result);
		invariant(memcmp(&part, &whole, sizeof(part)) == 0);
	}
	return 0;
}
