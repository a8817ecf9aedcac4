/* Files: what stays inside a directory, what is whole, what is locked. */
#include "unit/unit.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

struct place {
	char path[64];
	int dir;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct err err;
	snprintf(p->path, sizeof(p->path), "/tmp/os_file.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	assert_true(os_dir_open(p->path, &p->dir, &err));
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char command[96];
	os_file_close(&p->dir);
	snprintf(command, sizeof(command), "rm -r %s", p->path);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static int make(const struct place *p, const char *name)
{
	struct err err;
	int fd;
	assert_true(os_file_open(p->dir, name, OS_CREATE, &fd, &err));
	return fd;
}

static void assert_content(int fd, const char *want)
{
	char got[64];
	size_t n;
	struct err err;
	assert_true(os_file_read(fd, got, sizeof(got), 0, &n, &err));
	assert_slice_eq(((slice){ got, n }), want);
}

static void modes_of_opening(void **state)
{
	struct place *p = *state;
	struct err err;
	struct stat s;
	int fd;
	assert_false(os_file_open(p->dir, "a", OS_READ, &fd, &err));
	assert_int_equal(err.os_error, ENOENT);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(fd, -1);
	assert_false(os_file_open(p->dir, "a", OS_READ_WRITE, &fd, &err));
	fd = make(p, "a");
	assert_int_equal(fstat(fd, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	os_file_close(&fd);
	assert_int_equal(fd, -1);
	assert_false(os_file_open(p->dir, "a", OS_CREATE, &fd, &err));
	assert_int_equal(err.os_error, EEXIST);
	assert_true(os_file_open(p->dir, "a", OS_APPEND, &fd, &err));
	assert_true(os_file_append(fd, SLICE("one "), &err));
	assert_true(os_file_append(fd, SLICE("two"), &err));
	assert_true(os_file_append(fd, SLICE(""), &err));
	os_file_close(&fd);
	assert_true(os_file_open(p->dir, "a", OS_READ, &fd, &err));
	assert_content(fd, "one two");
	assert_false(os_file_append(fd, SLICE("x"), &err));
	assert_int_equal(err.os_error, EBADF);
	os_file_close(&fd);
}

static void names_cannot_leave_their_directory(void **state)
{
	struct place *p = *state;
	struct err err;
	int fd = make(p, "inside"), sub;
	char target[96];
	os_file_close(&fd);
	assert_true(os_dir_open_at(p->dir, "sub", &sub, &err));
	snprintf(target, sizeof(target), "%s/link", p->path);
	assert_int_equal(symlink("inside", target), 0);
	snprintf(target, sizeof(target), "%s/out", p->path);
	assert_int_equal(symlink("/tmp", target), 0);
	snprintf(target, sizeof(target), "%s/dangling", p->path);
	assert_int_equal(symlink("/tmp/os_file_made_by_link", target), 0);
	static const struct {
		const char *name;
		int error;
	} cases[] = {
		{ "link", ELOOP },	/* even to a neighbour */
		{ "out/x", ELOOP },
		{ "dangling", ELOOP },
		{ "../inside", EXDEV },
		{ "/etc/passwd", EXDEV },
		{ "sub/../../inside", EXDEV },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_false(os_file_open(p->dir, cases[i].name, OS_READ, &fd,
					  &err));
		/* The walk without openat2 finds the link no directory. */
		if (err.os_error != ENOTDIR)
			assert_int_equal(err.os_error, cases[i].error);
		assert_false(os_file_open(p->dir, cases[i].name, OS_APPEND,
					  &fd, &err));
		assert_int_equal(fd, -1);
	}
	assert_int_not_equal(access("/tmp/os_file_made_by_link", F_OK), 0);
	assert_true(os_file_open(p->dir, "sub/x", OS_CREATE, &fd, &err));
	os_file_close(&fd);
	os_file_close(&sub);
}

static void changing_names_takes_one_component(void **state)
{
	struct place *p = *state;
	static const char *const bad[] = { "", ".", "..", "a/b", "/a", "../a" };
	struct err err;
	int fd = make(p, "a");
	os_file_close(&fd);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(os_file_unlink(p->dir, bad[i], &err));
		assert_int_equal(err.os_error, EINVAL);
		assert_false(os_file_rename(p->dir, "a", p->dir, bad[i], &err));
		assert_false(os_file_rename(p->dir, bad[i], p->dir, "b", &err));
		assert_false(os_dir_open_at(p->dir, bad[i], &fd, &err));
	}
	assert_true(os_file_open(p->dir, "a", OS_READ, &fd, &err));
	os_file_close(&fd);
}

static void renaming_and_removing(void **state)
{
	struct place *p = *state;
	struct err err;
	int sub, fd = make(p, "a");
	os_file_close(&fd);
	assert_true(os_dir_open_at(p->dir, "sub", &sub, &err));
	assert_true(os_file_rename(p->dir, "a", sub, "b", &err));
	assert_false(os_file_rename(p->dir, "a", sub, "b", &err));
	assert_int_equal(err.os_error, ENOENT);
	assert_true(os_dir_sync(sub, &err) && os_dir_sync(p->dir, &err));
	assert_true(os_file_open(sub, "b", OS_READ, &fd, &err));
	os_file_close(&fd);
	assert_true(os_file_unlink(sub, "b", &err));
	assert_true(os_file_unlink(sub, "b", &err));	/* missing: as well */
	assert_false(os_file_unlink(p->dir, "sub", &err));
	os_file_close(&sub);
	/* The second opening finds it. */
	assert_true(os_dir_open_at(p->dir, "sub", &sub, &err));
	os_file_close(&sub);
}

enum { PIECES = 2500 };		/* more than the kernel takes at once */

static void writing_many_pieces_at_a_place(void **state)
{
	struct place *p = *state;
	struct err err;
	int fd = make(p, "a");
	struct iovec *iov = calloc(PIECES, sizeof(*iov));
	char bytes[PIECES], got[PIECES + 3];
	for (size_t i = 0; i < PIECES; i++) {
		bytes[i] = (char)('a' + i % 26);
		iov[i] = (struct iovec){ &bytes[i], 1 };
	}
	size_t n;
	uint64_t size;
	assert_true(os_file_write(fd, iov, PIECES, 3, &err));
	assert_true(os_file_write(fd, iov, 0, 0, &err));
	assert_true(os_file_size(fd, &size, &err));
	assert_int_equal(size, PIECES + 3);
	assert_true(os_file_read(fd, got, sizeof(got), 0, &n, &err));
	assert_int_equal(n, sizeof(got));
	assert_memory_equal(got, "\0\0\0", 3);
	assert_memory_equal(got + 3, bytes, PIECES);
	assert_true(os_file_read(fd, got, 10, PIECES, &n, &err));
	assert_int_equal(n, 3);		/* short at the end only */
	assert_true(os_file_read(fd, got, 10, 1 << 20, &n, &err));
	assert_int_equal(n, 0);
	assert_true(os_file_sync(fd, &err));
	os_file_close(&fd);
	free(iov);
}

static void allocating_and_cutting(void **state)
{
	struct place *p = *state;
	struct err err;
	struct stat s;
	uint64_t size;
	int fd = make(p, "a");
	assert_true(os_file_allocate(fd, 0, 1 << 20, &err));
	assert_int_equal(fstat(fd, &s), 0);
	assert_int_equal(s.st_size, 1 << 20);
	assert_true(s.st_blocks * 512 >= 1 << 20);
	assert_true(os_file_truncate(fd, 5, &err));
	assert_true(os_file_size(fd, &size, &err));
	assert_int_equal(size, 5);
	os_file_close(&fd);
}

static void r5_a_short_write_is_no_space(void **state)
{
	struct place *p = *state;
	struct rlimit before, small;
	struct err err;
	int append, fd = make(p, "a");
	char block[1000] = { 0 };
	struct iovec iov = { block, sizeof(block) };
	assert_true(os_file_open(p->dir, "b", OS_APPEND, &append, &err));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ 1500, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	bool first = os_file_write(fd, &iov, 1, 0, &err);
	struct err cut = { 0 }, cut_append = { 0 }, full = { 0 };
	bool second = os_file_write(fd, &iov, 1, 1000, &cut);
	bool third = os_file_write(fd, &iov, 1, 1500, &full);
	bool fourth = os_file_append(append, (slice){ block, 1000 }, &err) &&
		      os_file_append(append, (slice){ block, 1000 },
				     &cut_append);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(first);
	assert_false(second || third || fourth);
	assert_int_equal(cut.os_error, ENOSPC);
	assert_int_equal(cut_append.os_error, ENOSPC);
	assert_int_equal(full.os_error, EFBIG);
	os_file_close(&fd);
	os_file_close(&append);
}

static void a_second_opening_finds_the_lock_held(void **state)
{
	struct place *p = *state;
	struct err err;
	int again, fd = make(p, "lock");
	assert_true(os_file_lock(fd, &err));
	assert_true(os_file_open(p->dir, "lock", OS_READ, &again, &err));
	assert_false(os_file_lock(again, &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	os_file_close(&fd);
	assert_true(os_file_lock(again, &err));
	os_file_close(&again);
}

static bool count_three(void *ctx, const char *name)
{
	unsigned *seen = ctx;
	assert_int_equal(name[0], 'f');
	return ++*seen < 3;
}

static bool count_all(void *ctx, const char *name)
{
	unsigned *seen = ctx;
	assert_string_not_equal(name, "..");
	++*seen;
	return true;
}

static void listing_a_directory(void **state)
{
	struct place *p = *state;
	struct err err;
	unsigned seen = 0;
	assert_true(os_dir_list(p->dir, count_all, &seen, &err));
	assert_int_equal(seen, 0);
	for (int i = 0; i < 5; i++) {
		char name[] = { 'f', (char)('0' + i), '\0' };
		int fd = make(p, name);
		os_file_close(&fd);
	}
	for (int i = 0; i < 2; i++) {	/* twice: from the start again */
		seen = 0;
		assert_true(os_dir_list(p->dir, count_all, &seen, &err));
		assert_int_equal(seen, 5);
	}
	seen = 0;
	assert_true(os_dir_list(p->dir, count_three, &seen, &err));
	assert_int_equal(seen, 3);
	assert_false(os_dir_list(-1, count_all, &seen, &err));
	assert_int_equal(err.os_error, EBADF);
}

static void the_free_space_of_a_disk(void **state)
{
	struct place *p = *state;
	struct err err;
	uint64_t bytes = 0, inodes = 0;
	assert_true(os_disk_free(p->dir, &bytes, &inodes, &err));
	assert_true(bytes > 0 && inodes > 0);
	assert_false(os_disk_free(-1, &bytes, &inodes, &err));
}

static void a_name_is_told_to_the_log_only(void **state)
{
	struct place *p = *state;
	struct err err;
	int fd;
	assert_false(os_file_open(p->dir, "secret-name", OS_READ, &fd, &err));
	assert_null(strstr(err.text, "secret-name"));
	assert_non_null(strstr(err.detail, "secret-name"));
	assert_false(os_dir_open("/nowhere", &fd, &err));
	assert_int_equal(fd, -1);
}

/* From here on openat2 is missing, as in some sandboxes. */
static int take_openat2_away(void **state)
{
	(void)state;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
				      SCMP_SYS(openat2), 0);
	if (failed == 0)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	return failed;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(modes_of_opening),
		TEST(names_cannot_leave_their_directory),
		TEST(changing_names_takes_one_component),
		TEST(renaming_and_removing),
		TEST(writing_many_pieces_at_a_place),
		TEST(allocating_and_cutting),
		TEST(r5_a_short_write_is_no_space),
		TEST(a_second_opening_finds_the_lock_held),
		TEST(listing_a_directory),
		TEST(the_free_space_of_a_disk),
		TEST(a_name_is_told_to_the_log_only),
	};
	return cmocka_run_group_tests_name("os/file", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("os/file without openat2", tests,
					   take_openat2_away, NULL);
}
