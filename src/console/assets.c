/* The pages' files; see assets.h. */
#include "console/assets.h"

#include "base/cursor.h"

/* Linked in by the Makefile's rule; WEB_BLOB is its path. */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	".globl console_web_blob\n"
	"console_web_blob: .incbin \"" WEB_BLOB "\"\n"
	".globl console_web_blob_end\n"
	"console_web_blob_end: .byte 0\n"
	".popsection\n");
extern const char console_web_blob[], console_web_blob_end[];

enum { TEXT_MAX = 300 };

slice assets_linked(void)
{
	uintptr_t begin = (uintptr_t)console_web_blob;
	uintptr_t end = (uintptr_t)console_web_blob_end;
	return (slice){ console_web_blob, (size_t)(end - begin) };
}

static slice part(struct cursor *c, slice blob)
{
	uint32_t at = cursor_u32(c), n = cursor_u32(c);
	if (at > blob.n || n > blob.n - at) {
		c->failed = true;
		return (slice){ 0 };
	}
	return slice_sub(blob, at, n);
}

bool assets_read(slice blob, struct assets *out, struct err *err)
{
	struct cursor c = cursor_of(blob);
	*out = (struct assets){ 0 };
	bool known = slice_eq(cursor_take(&c, 8), SLICE("PRWEB001"));
	uint32_t count = cursor_u32(&c);
	for (uint32_t i = 0; known && !c.failed && i < count; i++) {
		struct asset *f = &out->files[out->count];
		if (out->count == ASSETS_MAX)
			c.failed = true;
		else
			*f = (struct asset){
				.path = cursor_bytes32(&c, TEXT_MAX),
				.type = cursor_bytes32(&c, TEXT_MAX),
				.tag = cursor_bytes32(&c, TEXT_MAX),
				.immutable = cursor_u8(&c) != 0,
				.bytes = part(&c, blob),
				.gzip = part(&c, blob),
			};
		out->count += !c.failed;
	}
	for (size_t i = 0; i < out->count; i++)
		if (slice_eq(out->files[i].path, SLICE("/index.html")))
			out->index = &out->files[i];
	return (known && !c.failed && out->index != NULL) ||
	       err_set(err, ERR_PROTOCOL, SCOPE_SELF, "assets_read",
		       "the web pages are damaged");
}

/* What the pages' addresses begin with; "" is "/" alone. */
static bool is_page(slice path)
{
	static const char *const FIRST[] = { "", "c", "login", "account", "r",
					     "operator", "help" };
	slice first = slice_skip(path, 1);
	first = slice_sub(first, 0, slice_find(first, '/'));
	for (size_t i = 0; i < ARRAY_LEN(FIRST); i++)
		if (slice_eq(first, slice_of(FIRST[i])))
			return first.n > 0 || path.n == 1;
	return false;
}

const struct asset *assets_find(const struct assets *a, slice path)
{
	if (path.n == 0 || path.p[0] != '/')
		return NULL;
	if (is_page(path))
		return a->index;
	for (size_t i = 0; i < a->count; i++)
		if (slice_eq(path, a->files[i].path))
			return &a->files[i];
	return NULL;
}
