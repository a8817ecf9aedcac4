/* The view's files: appended, torn, rewritten, damaged. */
#include "unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/view_file.h"
#include "os/file.h"

struct folder {
	char path[64];
	int dir;
};

static int drop(const char *path, const struct stat *s, int type,
		struct FTW *w)
{
	(void)s; (void)type; (void)w;
	return remove(path);
}

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	strcpy(f->path, "/tmp/view_file.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	assert_true(os_dir_open(f->path, &f->dir, NULL));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	os_file_close(&f->dir);
	nftw(f->path, drop, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* Customer number `id` as the change of this revision. */
static void make_change(struct buf *out, uint64_t revision, uint32_t id,
			bool last)
{
	char name[32];
	struct buf one;
	buf_init(&one, CHANGE_MAX);
	snprintf(name, sizeof(name), "customer-%u", id);
	struct customer c = { .id = id, .name = slice_of(name),
			      .plan = VIEW_PLAN_STANDARD };
	change_begin(&one, revision, last);
	change_put_customer(&one, &c);
	change_end(&one);
	assert_false(one.failed);
	buf_append(out, buf_slice(&one));
	buf_fini(&one);
}

static void append(struct view_writer *w, uint64_t revision, uint32_t id)
{
	struct buf b;
	struct err err;
	buf_init(&b, 1 << 20);
	make_change(&b, revision, id, true);
	if (!view_writer_append(w, buf_slice(&b), &err))
		fail_msg("%s", err.text);
	buf_fini(&b);
}

static struct view_writer *writer(struct folder *f, uint64_t want_revision)
{
	struct view_loaded l;
	struct view_writer *w;
	struct err err;
	if (!view_load(f->dir, &l, &err))
		fail_msg("%s %s", err.text, err.detail);
	assert_int_equal(view_revision(l.view), want_revision);
	assert_true(view_writer_open(f->dir, &l, &w, NULL));
	view_unref(&l.view);
	return w;
}

static void expect(struct folder *f, uint64_t revision, uint64_t customers)
{
	struct view_loaded l;
	struct view_counts counts;
	struct err err;
	if (!view_load(f->dir, &l, &err))
		fail_msg("%s %s", err.text, err.detail);
	assert_int_equal(view_revision(l.view), revision);
	view_count(l.view, &counts);
	assert_int_equal(counts.customers, customers);
	view_unref(&l.view);
}

static void what_was_appended_is_loaded(void **state)
{
	struct folder *f = *state;
	expect(f, 0, 0);
	struct view_writer *w = writer(f, 0);
	append(w, 1, 1);
	expect(f, 1, 1);
	append(w, 2, 2);
	view_writer_close(&w);
	expect(f, 2, 2);
	w = writer(f, 2);
	append(w, 3, 3);
	view_writer_close(&w);
	expect(f, 3, 3);
}

static off_t size_of(struct folder *f, const char *name)
{
	struct stat s;
	assert_int_equal(fstatat(f->dir, name, &s, 0), 0);
	return s.st_size;
}

static void cut(struct folder *f, const char *name, off_t size)
{
	int fd = openat(f->dir, name, O_RDWR);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void a_torn_tail_is_cut_at_every_byte(void **state)
{
	struct folder *f = *state;
	struct view_writer *w = writer(f, 0);
	append(w, 1, 1);
	off_t one = size_of(f, "view.log");
	struct buf b;
	buf_init(&b, 1 << 20);
	make_change(&b, 2, 2, false);
	make_change(&b, 2, 3, true);
	assert_true(view_writer_append(w, buf_slice(&b), NULL));
	view_writer_close(&w);
	off_t all = size_of(f, "view.log");
	assert_int_equal(all, one + (off_t)b.n);
	expect(f, 2, 3);
	for (off_t n = all - 1; n >= one; n--) {
		cut(f, "view.log", n);
		expect(f, 1, 1);
	}
	for (off_t n = one - 1; n >= 0; n -= 7) {
		cut(f, "view.log", n);
		expect(f, 0, 0);
	}
	cut(f, "view.log", 5);
	w = writer(f, 0);
	append(w, 1, 7);
	view_writer_close(&w);
	expect(f, 1, 1);
	buf_fini(&b);
}

static void flip(struct folder *f, const char *name, off_t at)
{
	char c;
	int fd = openat(f->dir, name, O_RDWR);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)(c ^ 0x10);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void a_damaged_byte_ends_the_log(void **state)
{
	struct folder *f = *state;
	struct view_writer *w = writer(f, 0);
	append(w, 1, 1);
	off_t one = size_of(f, "view.log");
	append(w, 2, 2);
	append(w, 3, 3);
	view_writer_close(&w);
	for (off_t at = one; at < 2 * one; at++) {
		flip(f, "view.log", at);
		expect(f, 1, 1);
		flip(f, "view.log", at);
	}
	expect(f, 3, 3);
}

static bool count_change(void *ctx, slice change)
{
	(void)change;
	++*(int *)ctx;
	return true;
}

static void rewriting_begins_a_new_log(void **state)
{
	struct folder *f = *state;
	struct view_writer *w = writer(f, 0);
	for (uint32_t i = 1; i <= 5; i++)
		append(w, i, i);
	struct view_loaded l;
	assert_true(view_load(f->dir, &l, NULL));
	assert_true(view_writer_rewrite(w, l.view, NULL));
	view_unref(&l.view);
	assert_int_equal(size_of(f, "view.log"), 0);
	expect(f, 5, 5);
	append(w, 6, 6);
	append(w, 7, 7);
	view_writer_close(&w);
	expect(f, 7, 7);
	int changes = 0;
	bool whole;
	assert_true(view_log_read(f->dir, 3, count_change, &changes, &whole,
				  NULL));
	assert_int_equal(changes, 4);
	assert_true(whole);
	/* The newest file is damaged: the logs lead there as well. */
	flip(f, "view-00000000000000000005", 40);
	expect(f, 7, 7);
	cut(f, "view.log.old", 0);
	struct view_loaded broken;
	assert_true(view_load(f->dir, &broken, NULL));
	assert_true(broken.gap);
	assert_int_equal(broken.bad_files, 1);
	assert_int_equal(view_revision(broken.view), 0);
	view_unref(&broken.view);
	changes = 0;
	assert_true(view_log_read(f->dir, 3, count_change, &changes, &whole,
				  NULL));
	assert_false(whole);
}

static void a_cut_view_file_never_counts(void **state)
{
	struct folder *f = *state;
	struct view_writer *w = writer(f, 0);
	append(w, 1, 1);
	struct view_loaded l;
	assert_true(view_load(f->dir, &l, NULL));
	assert_true(view_writer_rewrite(w, l.view, NULL));
	view_unref(&l.view);
	view_writer_close(&w);
	assert_int_equal(unlinkat(f->dir, "view.log.old", 0), 0);
	off_t size = size_of(f, "view-00000000000000000001");
	for (off_t n = size - 1; n >= 0; n--) {
		cut(f, "view-00000000000000000001", n);
		expect(f, 0, 0);
	}
}

static void two_files_stay(void **state)
{
	struct folder *f = *state;
	struct view_writer *w = writer(f, 0);
	for (uint32_t i = 1; i <= 4; i++) {
		append(w, i, i);
		struct view_loaded l;
		assert_true(view_load(f->dir, &l, NULL));
		assert_true(view_writer_rewrite(w, l.view, NULL));
		view_unref(&l.view);
	}
	view_writer_close(&w);
	struct stat s;
	assert_int_not_equal(fstatat(f->dir, "view-00000000000000000002", &s,
				     0), 0);
	assert_int_equal(fstatat(f->dir, "view-00000000000000000003", &s, 0),
			 0);
	expect(f, 4, 4);
}

/* A file of many parts, and a change of several parts in the log: no part
 * alone is anything. */
static void a_large_view_comes_back_whole(void **state)
{
	enum { MANY = 5000, PARTS = 3 };
	struct folder *f = *state;
	struct view_writer *w = writer(f, 0);
	struct view_loaded l;
	struct buf b;
	buf_init(&b, 1 << 20);
	for (uint32_t i = 1; i <= MANY; i++)
		make_change(&b, 1, i, i == MANY);
	assert_true(view_writer_append(w, buf_slice(&b), NULL));
	expect(f, 1, MANY);
	assert_true(view_load(f->dir, &l, NULL));
	assert_true(view_writer_rewrite(w, l.view, NULL));
	view_unref(&l.view);
	assert_int_equal(unlinkat(f->dir, "view.log.old", 0), 0);
	assert_true(size_of(f, "view-00000000000000000001") > 2 * CHANGE_MAX);
	expect(f, 1, MANY);
	buf_clear(&b);
	for (uint32_t i = 1; i <= PARTS; i++)
		make_change(&b, 2, MANY + i, i == PARTS);
	assert_true(view_writer_append(w, buf_slice(&b), NULL));
	expect(f, 2, MANY + PARTS);
	buf_fini(&b);
	view_writer_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_appended_is_loaded,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_torn_tail_is_cut_at_every_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_byte_ends_the_log,
						setup, teardown),
		cmocka_unit_test_setup_teardown(rewriting_begins_a_new_log,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_cut_view_file_never_counts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(two_files_stay, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_large_view_comes_back_whole,
						setup, teardown),
	};
	return cmocka_run_group_tests_name("control/view_file", tests, NULL,
					   NULL);
}
