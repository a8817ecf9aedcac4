/* Starting and ending processes, and what they share. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/ipc.h"
#include "os/process.h"

static struct os_end run(const char *script, const int *keep, size_t count)
{
	const char *const arguments[] = { "sh", "-c", script, NULL };
	struct os_spawn how = { .program = "/bin/sh", .arguments = arguments,
				.keep = keep, .keep_count = count };
	struct os_end end = { 0 };
	pid_t pid;
	assert_true(os_spawn(&how, &pid, NULL));
	for (int i = 0; i < 500 && !os_child_ended(&end); i++)
		usleep(10000);
	assert_int_equal(end.pid, pid);
	return end;
}

static void ends_are_told(void **state)
{
	(void)state;
	struct os_end end = run("exit 7", NULL, 0);
	assert_false(end.by_signal);
	assert_int_equal(end.code, 7);
	assert_false(os_end_is_crash(&end));
	static const struct {
		const char *script;
		bool crash;
	} cases[] = { { "kill -SEGV $$", true }, { "kill -ABRT $$", true },
		      { "kill -SYS $$", true },	 { "kill -KILL $$", false },
		      { "kill -TERM $$", false } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		end = run(cases[i].script, NULL, 0);
		assert_true(end.by_signal);
		assert_int_equal(os_end_is_crash(&end), cases[i].crash);
	}
}

static void only_kept_descriptors_are_inherited(void **state)
{
	(void)state;
	int kept = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int open_too = open("/dev/null", O_RDONLY);	/* of a library */
	char script[128];
	snprintf(script, sizeof(script),
		 "[ -e /proc/$$/fd/%d ] && [ ! -e /proc/$$/fd/%d ]", kept,
		 open_too);
	assert_int_equal(run(script, &kept, 1).code, 0);
	assert_int_not_equal(run(script, NULL, 0).code, 0);
	close(kept);
	close(open_too);
}

static void the_environment_is_small(void **state)
{
	(void)state;
	setenv("SECRET_OF_MASTER", "x", 1);
	assert_int_equal(run("[ -z \"$SECRET_OF_MASTER\" ] && [ -n \"$PATH\" ]",
			     NULL, 0).code, 0);
}

static void a_missing_program_is_told_at_once(void **state)
{
	(void)state;
	const char *const arguments[] = { "x", NULL };
	struct os_spawn how = { .program = "/nowhere/x",
				.arguments = arguments };
	struct err err = { 0 };
	pid_t pid;
	assert_false(os_spawn(&how, &pid, &err));
	assert_int_equal(err.os_error, ENOENT);
}

static void sealed_memory_can_not_be_changed(void **state)
{
	(void)state;
	struct buf b;
	int fd;
	buf_init(&b, 1 << 20);
	assert_true(os_sealed("test", SLICE("hello"), &fd, NULL));
	assert_true(write(fd, "x", 1) < 0);
	assert_int_not_equal(ftruncate(fd, 0), 0);
	assert_true(os_read_all(fd, 100, &b, NULL));
	assert_slice_eq(buf_slice(&b), "hello");
	lseek(fd, 0, SEEK_SET);
	assert_false(os_read_all(fd, 4, &b, NULL));
	buf_fini(&b);
	os_close(&fd);
	assert_int_equal(fd, -1);
}

static void a_page_is_shared(void **state)
{
	(void)state;
	void *mine, *theirs;
	size_t bytes;
	int fd;
	assert_true(os_page_new("test", 5000, &fd, &mine, NULL));
	assert_true(os_page_map(fd, false, &theirs, &bytes, NULL));
	assert_int_equal(bytes, 5000);
	strcpy(mine, "written here");
	assert_string_equal(theirs, "written here");
	assert_int_not_equal(ftruncate(fd, 1), 0);	/* under their feet */
	os_page_unmap(mine, 5000);
	os_page_unmap(theirs, 5000);
	os_close(&fd);
}

static void channels_carry_bytes_and_descriptors(void **state)
{
	(void)state;
	int pair[2];
	struct buf in;
	bool open;
	assert_true(os_ipc_pair(pair, NULL));
	buf_init(&in, 65536);
	assert_true(os_channel_send(pair[0], SLICE("abc"), -1, 100, NULL));
	assert_true(os_channel_receive(pair[1], &in, &open, NULL));
	assert_true(open);
	assert_slice_eq(buf_slice(&in), "abc");
	/* Nobody reads: it gives up, and doesn't hang. */
	char big[1 << 16];
	memset(big, 'x', sizeof(big));
	struct err err = { 0 };
	bool sent = true;
	for (int i = 0; i < 100 && sent; i++)
		sent = os_channel_send(pair[0], (slice){ big, sizeof(big) }, -1,
				       10, &err);
	assert_false(sent);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	os_close(&pair[0]);
	buf_fini(&in);
	os_close(&pair[1]);
}

static void signals_come_in_turn(void **state)
{
	(void)state;
	int fd;
	assert_true(os_signals_open(&fd, NULL));
	raise(SIGHUP);
	raise(SIGTERM);
	bool ready;
	assert_true(os_wait_input(&fd, &ready, 1, 100));
	assert_true(ready);
	unsigned seen = 0;
	enum os_signal s;
	while ((s = os_signals_next(fd)) != OS_SIGNAL_NONE)
		seen |= 1u << s;
	assert_int_equal(seen, 1u << OS_SIGNAL_RELOAD | 1u << OS_SIGNAL_STOP);
	assert_false(os_wait_input(&fd, &ready, 1, 0));
	os_close(&fd);
}

static char room[64];

static const char *in_room(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", room, name);
	return path;
}

static void files_are_saved_whole_and_closed_to_others(void **state)
{
	(void)state;
	struct buf b;
	bool is_private;
	struct stat st;
	buf_init(&b, 1 << 20);
	assert_true(os_dir_make(in_room("a/b/c"), 0700, false, 0, 0, NULL));
	assert_true(os_file_save(in_room("a/b/c/key"), SLICE("one"), 0400,
				 NULL));
	assert_true(os_file_save(in_room("a/b/c/key"), SLICE("two"), 0400,
				 NULL));
	assert_true(os_file_load(in_room("a/b/c/key"), 100, &b, NULL));
	assert_slice_eq(buf_slice(&b), "two");
	assert_true(os_file_is_private(in_room("a/b/c/key"), &is_private,
				       NULL));
	assert_true(is_private);
	assert_int_equal(chmod(in_room("a/b/c/key"), 0644), 0);
	assert_true(os_file_is_private(in_room("a/b/c/key"), &is_private,
				       NULL));
	assert_false(is_private);
	assert_int_not_equal(stat(in_room("a/b/c/key.new"), &st), 0);
	/* A folder or a pipe is no file. */
	assert_false(os_file_load(in_room("a"), 100, &b, NULL));
	assert_int_equal(mkfifo(in_room("pipe"), 0600), 0);
	assert_false(os_file_load(in_room("pipe"), 100, &b, NULL));
	buf_fini(&b);
}

static void a_blocked_way_is_named(void **state)
{
	(void)state;
	char blocked[256];
	assert_true(os_dir_make(in_room("open/closed/data"), 0755, false, 0, 0,
				NULL));
	assert_int_equal(chmod(room, 0755), 0);
	assert_int_equal(chmod(in_room("open/closed"), 0700), 0);
	bool passable = os_path_passable(in_room("open/closed/data"), 65534,
					 65534, blocked, sizeof(blocked));
	assert_false(passable);
	assert_string_equal(blocked, in_room("open/closed"));
	assert_int_equal(chmod(in_room("open/closed"), 0711), 0);
	assert_true(os_path_passable(in_room("open/closed/data"), 65534, 65534,
				     blocked, sizeof(blocked)));
}

static void one_holder_of_a_lock(void **state)
{
	(void)state;
	int fd, second;
	pid_t holder;
	struct err err = { 0 };
	assert_true(os_lock_path(in_room("lock"), &fd, &holder, NULL));
	assert_false(os_lock_path(in_room("lock"), &second, &holder, &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_int_equal(holder, getpid());
	os_close(&fd);
	assert_true(os_lock_path(in_room("lock"), &fd, &holder, NULL));
	os_close(&fd);
}

static void a_hostname_is_always_there(void **state)
{
	(void)state;
	char name[256];
	os_hostname(name, sizeof(name));
	assert_non_null(strchr(name, '.'));
}

static int set_up(void **state)
{
	(void)state;
	strcpy(room, "/tmp/postrider-process-XXXXXX");
	return mkdtemp(room) == NULL;
}

/* Of a table of unique recipients, of a session, of anything: whoever frees
 * the last piece of many must not pay for all of them. */
static void free_gives_the_kernel_nothing_at_once(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	skip();		/* another allocator */
#endif
	enum { PIECES = 1000, BYTES = 50000 };
	static void *pieces[PIECES];
	assert_true(os_memory_keep());
	for (int i = 0; i < PIECES; i++)
		assert_non_null(pieces[i] = malloc(BYTES));
	char *end = sbrk(0);
	for (int i = 0; i < PIECES; i++)
		free(pieces[i]);
	assert_ptr_equal(sbrk(0), end);
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", room);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(only_kept_descriptors_are_inherited),
		cmocka_unit_test(the_environment_is_small),
		cmocka_unit_test(a_missing_program_is_told_at_once),
		cmocka_unit_test(sealed_memory_can_not_be_changed),
		cmocka_unit_test(a_page_is_shared),
		cmocka_unit_test(channels_carry_bytes_and_descriptors),
		cmocka_unit_test(files_are_saved_whole_and_closed_to_others),
		cmocka_unit_test(a_blocked_way_is_named),
		cmocka_unit_test(one_holder_of_a_lock),
		cmocka_unit_test(a_hostname_is_always_there),
		cmocka_unit_test(signals_come_in_turn),
		cmocka_unit_test(free_gives_the_kernel_nothing_at_once),
	};
	return cmocka_run_group_tests_name("os/process", tests, set_up,
					   tear_down);
}
