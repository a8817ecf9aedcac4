/* What the sandbox forbids, tried in children: the forbidden call ends the
 * process (seccomp) or is refused (Landlock); RELIABILITY 4.2. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/process.h"
#include "os/sandbox.h"

static char room[64];			/* data directory of the tests */

enum { FINE = 0, REFUSED = 1, BAD_SANDBOX = 99 };

static void raw_exit(int code)
{
	syscall(SYS_exit_group, code);
}

static void in_sandbox(int (*act)(void))
{
	char inside[96];
	snprintf(inside, sizeof(inside), "%s/spool", room);
	struct os_landlock_dir dirs[] = {
		{ .path = inside, .writable = true },
		{ .path = "/nowhere/at/all", .writable = true } };
	int version;
	if (!os_sandbox_begin(NULL) ||
	    !os_landlock(dirs, 2, OS_LANDLOCK_NET, &version, NULL) ||
	    !os_seccomp_relay(NULL))
		raw_exit(BAD_SANDBOX);
	raw_exit(act());
}

/* The signal that ended it, negative, or its exit code. */
static int outcome(int (*act)(void))
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		in_sandbox(act);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int exec_shell(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return REFUSED;
}
static int fork_child(void)
{
	return fork() < 0 ? REFUSED : FINE;
}
static int trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? REFUSED
								 : FINE;
}
static int packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? REFUSED : FINE;
}
static int raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW, 1) < 0 ? REFUSED : FINE;
}
static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? REFUSED : FINE;
}
static int plain_open(void)
{
	return syscall(SYS_open, "/etc/passwd", O_RDONLY) < 0 ? REFUSED : FINE;
}
static int change_user(void)
{
	return setuid(0) < 0 ? REFUSED : FINE;
}
static int executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		? REFUSED : FINE;
}
static int kill_parent(void)
{
	return kill(getppid(), 0) < 0 ? REFUSED : FINE;
}
static int raise_limit(void)
{
	struct rlimit limit = { 10, 10 };
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? REFUSED : FINE;
}
static int mount_something(void)
{
	return (int)syscall(SYS_mount, "a", "/", "tmpfs", 0, NULL) < 0
		? REFUSED : FINE;
}

static int listen_tcp(void)
{
	struct sockaddr sa = { .sa_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return bind(fd, &sa, sizeof(sa)) < 0 || listen(fd, 1) < 0 ? REFUSED
								   : FINE;
}
static void s4_2_forbidden_calls_end_the_process(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int (*act)(void);
	} cases[] = {
		{ "execve", exec_shell }, { "fork", fork_child },
		{ "ptrace", trace_parent }, { "AF_PACKET", packet_socket },
		{ "SOCK_RAW", raw_socket }, { "AF_UNIX", unix_socket },
		{ "open", plain_open }, { "setuid", change_user },
		{ "PROT_EXEC", executable_memory }, { "kill", kill_parent },
		{ "listen", listen_tcp },
		{ "setrlimit", raise_limit }, { "mount", mount_something },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int got = outcome(cases[i].act);
		if (got != -SIGSYS)
			fail_msg("%s: outcome %d", cases[i].name, got);
	}
}

/* --- console's ------------------------------------------------------------- */

static int console_outcome(int (*act)(void))
{
	int status, version;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!os_sandbox_begin(NULL) ||
		    !os_landlock(NULL, 0, OS_LANDLOCK_NO_NET, &version,
				 NULL) ||
		    !os_seccomp_console(NULL))
			raw_exit(BAD_SANDBOX);
		raw_exit(act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_file(void)
{
	return openat(AT_FDCWD, "/etc/passwd", O_RDONLY) < 0 ? REFUSED : FINE;
}
static int open_by_path_fd(void)
{
	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0) < 0 ?
		       REFUSED : FINE;
}
static int look_at_file(void)
{
	struct stat st;
	return stat("/etc/passwd", &st) < 0 ? REFUSED : FINE;
}
static int remove_file(void)
{
	return unlinkat(AT_FDCWD, "/nowhere", 0) < 0 ? REFUSED : FINE;
}
static int tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? REFUSED : FINE;
}
static int connect_socket(void)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	return connect(0, &sa, sizeof(sa)) < 0 ? REFUSED : FINE;
}
static int bind_socket(void)
{
	struct sockaddr sa = { .sa_family = AF_INET };
	return bind(0, &sa, sizeof(sa)) < 0 ? REFUSED : FINE;
}
static int inet_pair(void)
{
	int pair[2];
	return socketpair(AF_INET, SOCK_STREAM, 0, pair) < 0 ? REFUSED : FINE;
}
static int unix_pair(void)
{
	int pair[2];
	char c = 'x';
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
	       write(pair[0], &c, 1) == 1 && read(pair[1], &c, 1) == 1 ?
		       FINE : REFUSED;
}

static void s4_2_console_opens_nothing_and_connects_to_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int (*act)(void);
	} cases[] = {
		{ "execve", exec_shell }, { "fork", fork_child },
		{ "ptrace", trace_parent }, { "open", plain_open },
		{ "openat", open_file }, { "openat2", open_by_path_fd },
		{ "stat", look_at_file }, { "unlinkat", remove_file },
		{ "socket", tcp_socket }, { "AF_UNIX", unix_socket },
		{ "connect", connect_socket }, { "bind", bind_socket },
		{ "socketpair", inet_pair }, { "setuid", change_user },
		{ "PROT_EXEC", executable_memory }, { "kill", kill_parent },
		{ "setrlimit", raise_limit }, { "mount", mount_something },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int got = console_outcome(cases[i].act);
		if (got != -SIGSYS)
			fail_msg("%s: outcome %d", cases[i].name, got);
	}
	assert_int_equal(console_outcome(unix_pair), FINE);
}

/* --- files ----------------------------------------------------------------- */

static int passwd(void)
{
	return open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES ? REFUSED
								     : FINE;
}
static int write_outside(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/keys/new", room);
	return open(path, O_WRONLY | O_CREAT, 0600) < 0 ? REFUSED : FINE;
}
static int read_key(void)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/keys/pepper", room);
	return open(path, O_RDONLY) < 0 && errno == EACCES ? REFUSED : FINE;
}
static int work_inside(void)
{
	char path[96], other[96];
	snprintf(path, sizeof(path), "%s/spool/a", room);
	snprintf(other, sizeof(other), "%s/spool/b", room);
	int fd = openat(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || pwrite(fd, "x", 1, 0) != 1 || fdatasync(fd) != 0 ||
	    ftruncate(fd, 0) != 0)
		return 10;
	if (renameat(AT_FDCWD, path, AT_FDCWD, other) != 0 ||
	    unlinkat(AT_FDCWD, other, 0) != 0)
		return 11;
	return FINE;
}

static void s4_2_files_outside_are_refused(void **state)
{
	(void)state;
	int version;
	if (fork() == 0) {
		bool ok = os_sandbox_begin(NULL) &&
			  os_landlock(NULL, 0, OS_LANDLOCK_NO_NET, &version,
				      NULL);
		_exit(ok ? version : 0);
	}
	wait(&version);
	version = WEXITSTATUS(version);
	if (version == 0)
		skip();			/* a kernel without Landlock */
	assert_int_equal(outcome(passwd), REFUSED);
	assert_int_equal(outcome(write_outside), REFUSED);
	assert_int_equal(outcome(read_key), REFUSED);
	assert_int_equal(outcome(work_inside), FINE);
}

static void *run(void *arg)
{
	*(int *)arg = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return NULL;
}
static int ordinary_work(void)
{
	pthread_t t;
	int fd = -1;
	if (pthread_create(&t, NULL, run, &fd) != 0)
		return 10;
	if (pthread_join(t, NULL) != 0 || fd < 0)
		return 11;
	void *p = malloc(10 << 20);
	if (p == NULL)
		return 12;
	free(p);
	return FINE;
}
static void *exec_there(void *arg)
{
	(void)arg;
	execl("/bin/true", "true", (char *)NULL);
	return NULL;
}
static int exec_in_thread(void)
{
	pthread_t t;
	if (pthread_create(&t, NULL, exec_there, NULL) == 0)
		pthread_join(t, NULL);
	return FINE;
}
static int invariant_broken(void)
{
	invariant(getpid() < 0);
	return FINE;
}

static void ordinary_work_goes_on(void **state)
{
	(void)state;
	assert_int_equal(outcome(ordinary_work), FINE);
	assert_int_equal(outcome(exec_in_thread), -SIGSYS);
	/* A broken invariant still ends as such. */
	assert_int_equal(outcome(invariant_broken), -SIGABRT);
}

static int set_up(void **state)
{
	char path[96];
	(void)state;
	strcpy(room, "/tmp/postrider-sandbox-XXXXXX");
	assert_non_null(mkdtemp(room));
	snprintf(path, sizeof(path), "%s/spool", room);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/keys", room);
	mkdir(path, 0700);
	strcat(path, "/pepper");
	close(open(path, O_CREAT | O_WRONLY, 0600));
	return 0;
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
#ifdef __SANITIZE_ADDRESS__
	/* The sanitizer needs calls that the sandbox forbids, so that
	 * the calls below do nothing here. */
	return 0;
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s4_2_forbidden_calls_end_the_process),
		cmocka_unit_test(
			s4_2_console_opens_nothing_and_connects_to_nothing),
		cmocka_unit_test(s4_2_files_outside_are_refused),
		cmocka_unit_test(ordinary_work_goes_on),
	};
	return cmocka_run_group_tests_name("os/sandbox", tests, set_up,
					   tear_down);
}
