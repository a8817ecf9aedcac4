/* What the tests of admin share: a data_dir of their own, calls without a
 * service, and answers as text. */
#pragma once

#include "unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/serve.h"
#include "base/buf.h"
#include "control/view_file.h"
#include "wire/yaml.h"
#include "os/file.h"

struct answer {
	int code;
	struct buf text;
	struct buf rows;		/* a line each */
	int row_count;
};

static int harness_drop(const char *path, const struct stat *s, int type,
			struct FTW *w)
{
	(void)s; (void)type; (void)w;
	return remove(path);
}

static int harness_setup(void **state)
{
	char *path = strdup("/tmp/admin.XXXXXX");
	assert_non_null(mkdtemp(path));
	*state = path;
	return 0;
}

static int harness_teardown(void **state)
{
	nftw(*state, harness_drop, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static bool harness_row(void *ctx, slice json)
{
	struct answer *a = ctx;
	buf_append(&a->rows, json);
	buf_append_char(&a->rows, '\n');
	a->row_count++;
	return true;
}

static void answer_free(struct answer *a)
{
	buf_fini(&a->text);
	buf_fini(&a->rows);
}

static struct answer call_with_text(const char *dir, const char *name,
				    const char *args, slice text)
{
	struct answer a = { 0 };
	struct err err;
	buf_init(&a.text, 1 << 24);
	buf_init(&a.rows, 1 << 28);
	struct admin_once once = { .data_dir = dir, .call = name,
				   .args = slice_of(args), .text = text,
				   .hostname = SLICE("relay.test"),
				   .on_row = harness_row, .ctx = &a };
	if (!admin_call_offline(&once, &a.code, &a.text, &err))
		fail_msg("%s: %s (%s)", name, err.text, err.detail);
	return a;
}

static struct answer call(const char *dir, const char *name, const char *args)
{
	return call_with_text(dir, name, args, (slice){ 0 });
}

/* Applies a text; the caller looks at the answer. */
static UNUSED struct answer apply(const char *dir, const char *text,
				  const char *args)
{
	return call_with_text(dir, "directory.apply", args, slice_of(text));
}

static void show(const char *what, const struct answer *a)
{
	fail_msg("%s: code %d\n%.*s\n%.*s", what, a->code, (int)a->text.n,
		 a->text.p ? a->text.p : "", (int)a->rows.n,
		 a->rows.p ? a->rows.p : "");
}

static UNUSED void apply_good(const char *dir, const char *text)
{
	struct answer a = apply(dir, text, "{}");
	if (a.code != 0)
		show("apply", &a);
	answer_free(&a);
}

static UNUSED bool has(const struct buf *b, const char *what)
{
	return slice_find_slice(buf_slice(b), slice_of(what)) < b->n;
}

/* A data_dir of its own for each test. */
#define harness_test(name)                                               \
	cmocka_unit_test_setup_teardown(name, harness_setup,             \
					harness_teardown)

#define assert_has(buf, what)                                             \
	do {                                                              \
		if (!has(buf, what))                                      \
			fail_msg("no \"%s\" in:\n%.*s", what,             \
				 (int)(buf)->n, (buf)->p ? (buf)->p : ""); \
	} while (0)

/* The whole directory as text; malloc'd, the caller's. */
static UNUSED char *export_text(const char *dir)
{
	struct answer a = call(dir, "directory.export", "{}");
	if (a.code != 0)
		show("export", &a);
	/* {"text":"…"} lines: unescape what our writer escapes. */
	char *out = calloc(1, a.rows.n + 1);
	size_t n = 0;
	slice rest = buf_slice(&a.rows);
	while (rest.n > 0) {
		slice line = slice_cut(&rest, '\n');
		line = slice_skip(line, sizeof("{\"text\":\"") - 1);
		line.n -= 2;
		for (size_t i = 0; i < line.n; i++) {
			if (line.p[i] != '\\') {
				out[n++] = line.p[i];
			} else if (line.p[i + 1] == 'u') {
				char hex[5] = { 0 };
				memcpy(hex, line.p + i + 2, 4);
				out[n++] = (char)strtol(hex, NULL, 16);
				i += 5;
			} else {
				out[n++] = line.p[++i];
			}
		}
	}
	answer_free(&a);
	return out;
}

static UNUSED const struct view *load_view(const char *dir)
{
	struct view_loaded l;
	int data, view;
	assert_true(os_dir_open(dir, &data, NULL));
	assert_true(os_dir_open_at(data, "view", &view, NULL));
	assert_true(view_load(view, &l, NULL));
	os_file_close(&view);
	os_file_close(&data);
	return l.view;
}
