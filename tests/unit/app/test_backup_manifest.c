/* The manifest of a backup: written, read back, and every way of it to be
 * wrong. */
#include "unit/unit.h"

#include <stdio.h>

#include "app/backup_private.h"

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 24);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void make(struct buf *out)
{
	static const struct {
		const char *name, *path;
	} rows[] = { { BACKUP_STORE, NULL },
		     { BACKUP_PEPPER, NULL },
		     { "keys/\xe9\x8d\xb5 \"1\"", NULL },
		     { BACKUP_CONFIG, "/etc/postrider/postrider.yaml" },
		     { "config/file-001", "/etc/postrider/a \\ b" } };
	struct backup_manifest m;
	assert_true(backup_manifest_begin(&m, &arena));
	m.product = SLICE("0.1.0");
	m.hostname = SLICE("relay.example.net");
	m.made_at = SLICE("2026-11-24T04:30:00.000Z");
	m.schema = 3;
	m.revision = 1234567890123;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct backup_file *f = backup_manifest_add(
			&m, &arena, slice_of(rows[i].name),
			slice_of(rows[i].path));
		assert_non_null(f);
		f->size = i * 1000;
		f->mode = 0400;
		memset(f->sha256, (int)i + 1, sizeof(f->sha256));
	}
	buf_init(out, 65536);
	backup_manifest_write(&m, out);
	assert_false(out->failed);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	struct backup_manifest m;
	struct buf text;
	make(&text);
	assert_int_equal(backup_manifest_read(buf_slice(&text), &arena, &m),
			 BACKUP_GOOD);
	assert_int_equal(m.count, 5);
	assert_int_equal(m.revision, 1234567890123);
	assert_int_equal(m.schema, 3);
	assert_slice_eq(m.made_at, "2026-11-24T04:30:00.000Z");
	const struct backup_file *f =
		backup_manifest_named(&m, SLICE("/etc/postrider/a \\ b"));
	assert_non_null(f);
	assert_slice_eq(f->name, "config/file-001");
	assert_int_equal(f->size, 4000);
	assert_int_equal(f->mode, 0400);
	assert_int_equal(f->sha256[31], 5);
	/* The configuration does not name itself. */
	assert_null(backup_manifest_named(
		&m, SLICE("/etc/postrider/postrider.yaml")));
	assert_non_null(backup_manifest_find(&m, SLICE(BACKUP_CONFIG)));
	buf_fini(&text);
}

/* The line end behind it is no part of it. */
static void cut_anywhere_it_is_broken(void **state)
{
	(void)state;
	struct buf text;
	make(&text);
	for (size_t n = 0; n < text.n - 1; n++) {
		struct arena own;
		struct backup_manifest m;
		arena_init(&own, 1 << 24);
		assert_int_equal(backup_manifest_read(
			(slice){ text.p, n }, &own, &m), BACKUP_BROKEN);
		arena_fini(&own);
	}
	buf_fini(&text);
}

/* Whatever byte is changed: what is read never leads anywhere else. */
static void changed_anywhere_names_stay_inside(void **state)
{
	(void)state;
	static const char with[] = { '/', '.', '"', '9', 'x', '\0', '\n',
				     (char)0xff };
	struct buf text;
	make(&text);
	for (size_t at = 0; at < text.n; at++) {
		char was = text.p[at];
		for (size_t w = 0; w < sizeof(with); w++) {
			struct arena own;
			struct backup_manifest m;
			text.p[at] = with[w];
			arena_init(&own, 1 << 24);
			if (backup_manifest_read(buf_slice(&text), &own, &m) ==
			    BACKUP_GOOD)
				for (size_t i = 0; i < m.count; i++) {
					enum backup_folder folder;
					slice leaf;
					assert_true(backup_name_split(
						m.files[i].name, &folder,
						&leaf));
					assert_true(slice_find(leaf, '/') ==
						    leaf.n);
				}
			arena_fini(&own);
		}
		text.p[at] = was;
	}
	buf_fini(&text);
}

static void names_of_files(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{ "keys/pepper", true },     { "certs/a.pem", true },
		{ "store/directory.db", true }, { "config/file-001", true },
		{ "keys/...", true },	     { "keys/", false },
		{ "keys", false },	     { "", false },
		{ "keys/.", false },	     { "keys/..", false },
		{ "keys/../x", false },	     { "/keys/x", false },
		{ "keys//x", false },	     { "spool/x", false },
		{ "keys/a\nb", false },	     { "keys/\xff", false },
		{ "Keys/x", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum backup_folder folder;
		slice leaf;
		if (backup_name_split(slice_of(rows[i].name), &folder,
				      &leaf) != rows[i].good)
			fail_msg("%s", rows[i].name);
	}
}

static void versions(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum backup_verdict verdict;
	} rows[] = {
		{ "{\"format\":2}", BACKUP_NEWER },
		{ "{\"format\":900,\"files\":7}", BACKUP_NEWER },
		{ "{\"format\":1}", BACKUP_BROKEN },
		{ "{\"format\":0}", BACKUP_BROKEN },
		{ "{\"format\":-2}", BACKUP_BROKEN },
		{ "{\"format\":\"2\"}", BACKUP_BROKEN },
		{ "{\"format\":1,\"format\":2}", BACKUP_BROKEN },
		{ "[]", BACKUP_BROKEN },
		{ "{}", BACKUP_BROKEN },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct backup_manifest m;
		assert_int_equal(backup_manifest_read(slice_of(rows[i].text),
						      &arena, &m),
				 rows[i].verdict);
	}
}

static void texts_have_both_languages(void **state)
{
	(void)state;
	for (int i = 0; i < BACKUP_SAY_COUNT; i++) {
		const struct text *t = backup_text((enum backup_text)i);
		assert_non_null(t->en);
		assert_non_null(t->ja);
		assert_int_equal(text_places(t->en), text_places(t->ja));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read), T(cut_anywhere_it_is_broken),
		T(changed_anywhere_names_stay_inside), T(names_of_files),
		T(versions), T(texts_have_both_languages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
