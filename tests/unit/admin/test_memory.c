/*
 * An apply whose n-th allocation fails, for n = 1, 2, … until none does: it
 * is refused or done, never half, never a crash or a leak.
 */
#include "unit/admin/harness.h"

#include <link.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
enum { CAN_FAIL = false };
static uint64_t fail_at, live;
static bool armed;
static int spared_count;

static int note_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)info; (void)size; (void)ctx;
	return 0;
}
#else
enum { CAN_FAIL = true };
static uint64_t fail_at;	/* 0: none does */
static uint64_t live;
static bool armed;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

/* libfyaml 0.7.12 leaks when its own allocations fail: it is spared, and so
 * is libc, which allocates for it. */
static struct range {
	uintptr_t begin, end;
} spared[2];
static int spared_count;

static int note_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size; (void)ctx;
	if ((strstr(info->dlpi_name, "libfyaml") == NULL &&
	     strstr(info->dlpi_name, "libc.so") == NULL) ||
	    spared_count == 2)
		return 0;
	struct range *r = &spared[spared_count++];
	r->begin = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t end = info->dlpi_addr + h->p_vaddr + h->p_memsz;
		if (h->p_type == PT_LOAD && end > r->end)
			r->end = end;
	}
	return 0;
}

static bool is_spared(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;
	for (int i = 0; i < spared_count; i++)
		if (at >= spared[i].begin && at < spared[i].end)
			return true;
	return false;
}

static bool this_one_fails(const void *caller)
{
	return armed && fail_at != 0 && !is_spared(caller) && --fail_at == 0;
}

void *malloc(size_t n)
{
	void *p = this_one_fails(__builtin_return_address(0)) ? NULL :
						       __libc_malloc(n);
	live += p != NULL;
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = this_one_fails(__builtin_return_address(0)) ? NULL :
						       __libc_calloc(n, size);
	live += p != NULL;
	return p;
}

void *realloc(void *old, size_t n)
{
	void *p = this_one_fails(__builtin_return_address(0)) ? NULL :
						       __libc_realloc(old, n);
	live += p != NULL && old == NULL;
	return p;
}

void free(void *p)
{
	live -= p != NULL;
	__libc_free(p);
}
#endif

static const char A[] =
	"customers:\n- name: example\n  licences: 100\n"
	"  domains: [ { name: example.test, verified: operator } ]\n"
	"  users: [ { address: a@example.test, aliases: [ x@example.test ] } ]"
	"\n";
static const char B[] =
	"customers:\n- name: example\n  licences: 200\n"
	"  domains:\n  - { name: example.test, verified: operator }\n"
	"  - { name: b.test, kind: alias, of: example.test }\n"
	"  users: [ { address: c@example.test } ]\n"
	"  relay_settings:\n  - description: d\n"
	"    authentication: { ip_only: true }\n"
	"    ip_entries: [ { range: 8.8.8.8, description: d } ]\n";

static bool no_row(void *ctx, slice json)
{
	(void)ctx; (void)json;
	return true;
}

/* The call alone; true when it says that it was done. */
static bool try_apply(const char *dir, const char *text, bool *answered)
{
	struct admin_once once = { .data_dir = dir, .call = "directory.apply",
				   .args = SLICE("{\"prune\":true}"),
				   .text = slice_of(text),
				   .on_row = no_row };
	struct buf words;
	int code = -1;
	buf_init(&words, 1 << 20);
	armed = true;
	*answered = admin_call_offline(&once, &code, &words, NULL);
	armed = false;
	buf_fini(&words);
	return *answered && code == 0;
}

/* In memory: thousands of applies sync thousands of times. */
static int setup(void **state)
{
	char *path = strdup("/dev/shm/admin.XXXXXX");
	if (mkdtemp(path) != NULL) {
		*state = path;
		return 0;
	}
	free(path);
	return harness_setup(state);
}

/* All of A or all of B. */
static void look(const char *dir)
{
	const struct view *v = load_view(dir);
	struct view_counts c;
	view_count(v, &c);
	assert_true((c.domains == 1 && c.entries == 0) ||
		    (c.domains == 2 && c.entries == 1));
	view_unref(&v);
}

static void an_apply_without_memory_is_whole_or_nothing(void **state)
{
	if (!CAN_FAIL)
		skip();
	dl_iterate_phdr(note_library, NULL);
	assert_int_equal(spared_count, 2);
	bool answered, done = false;
	uint64_t n = 1, refused = 0;
	/* Libraries fill their caches once. */
	apply_good(*state, A);
	try_apply(*state, B, &answered);
	/* A new directory each time: with a longer log to read, the n-th
	 * would be another one. Later ones are SQLite's, alike and many. */
	for (bool none_failed = false; !none_failed; n += n < 1000 ? 1 : 7) {
		harness_teardown(state);
		setup(state);
		apply_good(*state, A);
		uint64_t before = live;
		fail_at = n;
		done = try_apply(*state, B, &answered);
		none_failed = fail_at != 0;
		fail_at = 0;
		if (live != before)
			fail_msg("allocation %lu: leaks %ld",
				 (unsigned long)n, (long)(live - before));
		refused += !done;
		look(*state);
		/* Whatever it was, the next one works. */
		struct answer a = apply(*state, B, "{\"prune\":true}");
		if (a.code != 0)
			show("after", &a);
		answer_free(&a);
		look(*state);
	}
	assert_true(done && refused > 100);
	print_message("          of %lu allocations %lu refused\n",
		      (unsigned long)n, (unsigned long)refused);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, harness_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_apply_without_memory_is_whole_or_nothing),
	};
	return cmocka_run_group_tests_name("admin/memory", tests, NULL, NULL);
}
