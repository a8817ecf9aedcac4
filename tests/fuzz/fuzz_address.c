/*
 * Addresses from any bytes: what is taken can be written, and what was
 * written reads back as the same two slices, as a path and as people write
 * it. The first byte chooses sender or recipient, and SMTPUTF8.
 */
#include "base/buf.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(slice s)
{
	for (size_t i = 0; i < s.n; i++)
		invariant((uint8_t)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void check_written(const struct address *a, struct arena *arena)
{
	struct address again;
	struct err err;
	struct buf b;
	buf_init(&b, ADDRESS_TEXT_MAX);
	buf_append_char(&b, '<');
	address_write(&b, a);
	buf_append_char(&b, '>');
	invariant(!b.failed);
	slice path = buf_slice(&b);
	slice text = slice_sub(path, 1, path.n - 2);
	check_text(path);
	invariant(slice_eq(text, address_text(a, arena)));
	/* Quoting can make the text longer than a path. */
	if (path.n <= ADDRESS_PATH_MAX) {
		enum address_use use = address_is_null(a) ? ADDRESS_SENDER :
							    ADDRESS_RECIPIENT;
		invariant(address_parse_path(&path, use, true, arena, &again,
					     &err));
		invariant(path.n == 0 && address_eq(a, &again));
		invariant(a->utf8 == again.utf8);
	}
	if (a->domain.n > 0) {
		invariant(address_parse(text, arena, &again, &err));
		invariant(address_eq(a, &again));
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct address a;
	struct err err;
	slice folded;
	if (size == 0)
		return 0;
	slice all = { (const char *)data + 1, size - 1 };
	slice rest = all;
	bool utf8 = (data[0] & 2) != 0;
	arena_init(&arena, 16384);
	if (address_parse_path(&rest, data[0] & 1 ? ADDRESS_SENDER :
						    ADDRESS_RECIPIENT,
			       utf8, &arena, &a, &err)) {
		invariant(rest.n < all.n || all.n == 0);
		invariant(utf8 || !a.utf8);
		check_written(&a, &arena);
	} else {
		invariant(err.kind == ERR_PROTOCOL && err.code >= 501);
		invariant(rest.p == all.p && rest.n == all.n);
	}
	if (address_parse(all, &arena, &a, &err))
		check_written(&a, &arena);
	if (domain_normalise(all, &arena, &folded, &err)) {
		slice twice;
		invariant(domain_normalise(folded, &arena, &twice, &err));
		invariant(slice_eq(folded, twice));
		invariant(domain_within(folded, twice));
	}
	arena_fini(&arena);
	return 0;
}
