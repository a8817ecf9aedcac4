/*
 * Starting, watching and ending processes; see process.h. Master has one
 * thread, so fork is safe; between fork and exec only plain system calls are
 * made.
 */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/os_private.h"

/* --- who we are ----------------------------------------------------------- */

bool os_own_path(char *to, size_t cap, struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", to, cap - 1);
	if (n < 0 || (size_t)n >= cap - 1)
		return err_set_os(err, n < 0 ? errno : ENAMETOOLONG,
				  "os_own_path", "read /proc/self/exe");
	to[n] = '\0';
	return true;
}

/* The name with a dot on a line of /etc/hosts that holds `name`. */
static bool full_name_in(slice line, slice name, slice *full)
{
	bool found = false;
	*full = (slice){ 0 };
	line = slice_cut(&line, '#');
	while (line.n > 0) {
		size_t end = 0;
		while (end < line.n && line.p[end] != ' ' &&
		       line.p[end] != '\t')
			end++;
		slice word = slice_sub(line, 0, end);
		line = slice_trim(slice_skip(line, end));
		if (slice_eq_fold(word, name))
			found = true;
		else if (full->n == 0 && slice_find(word, '.') < word.n &&
			 slice_starts_fold(word, name) &&
			 word.p[name.n] == '.')
			*full = word;
	}
	return found && full->n > 0;
}

void os_hostname(char *to, size_t cap)
{
	char name[256] = "";
	struct buf hosts;
	slice rest, full;
	if (gethostname(name, sizeof(name) - 1) != 0)
		name[0] = '\0';
	if (strchr(name, '.') != NULL &&
	    slice_to_cstr(slice_of(name), to, cap))
		return;
	buf_init(&hosts, 1 << 20);
	invariant(slice_to_cstr(SLICE("localhost.localdomain"), to, cap));
	if (name[0] != '\0' &&
	    os_file_load("/etc/hosts", 1 << 20, &hosts, NULL)) {
		rest = buf_slice(&hosts);
		while (rest.n > 0)
			if (full_name_in(slice_cut(&rest, '\n'), slice_of(name),
					 &full) &&
			    slice_to_cstr(full, to, cap))
				break;
	}
	buf_fini(&hosts);
}

unsigned os_cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return (unsigned)CPU_COUNT(&set);
	return 1;
}

/* M_TRIM_THRESHOLD keeps the end of a heap; M_TOP_PAD, as large as one of the
 * heaps that glibc makes for threads, keeps those that are empty. It costs
 * addresses, no memory. Setting either ends glibc's own moving of the
 * threshold, so that is set, too. */
bool os_memory_keep(void)
{
	enum { HEAP_BYTES = 64 << 20 };
	return mallopt(M_TRIM_THRESHOLD, -1) == 1 &&
	       mallopt(M_TOP_PAD, HEAP_BYTES) == 1 &&
	       mallopt(M_MMAP_THRESHOLD, OS_PIECE_BYTES) == 1;
}

bool os_is_root(void)
{
	return geteuid() == 0;
}

uint32_t os_user_id(void)
{
	return geteuid();
}

pid_t os_process_id(void)
{
	return getpid();
}

bool os_user_find(const char *name, uint32_t *uid, uint32_t *gid,
		  struct err *err)
{
	char bytes[4096];
	struct passwd row, *found = NULL;
	int code = getpwnam_r(name, &row, bytes, sizeof(bytes), &found);
	if (found == NULL)
		return err_set(err, ERR_PERMANENT, SCOPE_SELF, "os_user_find",
			       "no such user: %s%s", name,
			       code != 0 ? " (can't be looked up)" : "");
	*uid = row.pw_uid;
	*gid = row.pw_gid;
	return true;
}

bool os_working_dir(char *to, size_t cap, struct err *err)
{
	return getcwd(to, cap) != NULL ||
	       err_set_os(err, errno, "os_working_dir", "getcwd");
}

void os_sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

/* As long as we may; what stays is of no use without new privileges. */
static void drop_bounding_set(void)
{
	for (int cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;	/* past the last one, or not allowed to */
}

/* Out of every set; without libcap: the call has been the same for long. */
static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	drop_bounding_set();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) == 0;
}

bool os_drop_privileges(uint32_t uid, uint32_t gid, struct err *err)
{
	/* A child of os_spawn is that user already. */
	if (uid != 0 && geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
	     setresuid(uid, uid, uid) != 0))
		return err_set_os(err, errno, "os_drop_privileges",
				  "change the user");
	invariant(uid == 0 || geteuid() != 0);
	if (!drop_capabilities())
		return err_set_os(err, errno, "os_drop_privileges",
				  "drop capabilities");
	return true;
}

bool os_die_with_parent(pid_t parent, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return err_set_os(err, errno, "os_die_with_parent", "prctl");
	/* It may have died before the call. */
	if (getppid() != parent)
		return err_set(err, ERR_TEMPORARY, SCOPE_SELF,
			       "os_die_with_parent", "master is gone");
	return true;
}

uint64_t os_descriptors_raise(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* --- children ------------------------------------------------------------- */

static bool is_kept(const struct os_spawn *how, int fd, int report)
{
	if (fd == report)
		return true;
	for (size_t i = 0; i < how->keep_count; i++)
		if (how->keep[i] == fd)
			return true;
	return false;
}

/* Kept ones lose close-on-exec; all others are closed by it, also those that
 * a library opened without it. */
static void keep_descriptors(const struct os_spawn *how, int report)
{
	struct rlimit limit = { 0 };
	int max = getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
				  limit.rlim_cur < 65536
			  ? (int)limit.rlim_cur : 65536;
	if (syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */) != 0)
		for (int fd = 3; fd < max; fd++)
			if (!is_kept(how, fd, report))
				close(fd);
	for (size_t i = 0; i < how->keep_count; i++)
		fcntl(how->keep[i], F_SETFD, 0);
}

static void default_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void report_and_end(int report, int code)
{
	ssize_t ignored = write(report, &code, sizeof(code));
	(void)ignored;
	_exit(71);
}

static _Noreturn void become(const struct os_spawn *how, int report,
			     char *const *environment)
{
	int null = open("/dev/null", O_RDWR);
	if (null > 0)
		dup2(null, 0);
	default_signals();
	umask(077);
	/* Ctrl-C is for the parent: it tells its children to drain. */
	setpgid(0, 0);
	keep_descriptors(how, report);
	drop_bounding_set();
	if (how->change_user && how->uid != 0 &&
	    (setgroups(0, NULL) != 0 ||
	     setresgid(how->gid, how->gid, how->gid) != 0 ||
	     setresuid(how->uid, how->uid, how->uid) != 0))
		report_and_end(report, errno);
	/* exec takes char *const[] for history's sake; it changes nothing. */
	union {
		const char *const *given;
		char *const *taken;
	} arguments = { .given = how->arguments };
	execve(how->program, arguments.taken, environment);
	report_and_end(report, errno);
}

static void make_environment(char *rows[4], char bytes[3][512])
{
	static const char *const names[] = { "PATH", "LANG", "TZ" };
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);
		if (value == NULL || strlen(value) > 400)
			continue;
		snprintf(bytes[count], 512, "%s=%s", names[i], value);
		rows[count] = bytes[count];
		count++;
	}
	rows[count] = NULL;
}

bool os_spawn(const struct os_spawn *how, pid_t *pid, struct err *err)
{
	int report[2], code = 0;
	char *environment[4], bytes[3][512];
	invariant(how->keep_count <= OS_SPAWN_FDS_MAX);
	make_environment(environment, bytes);
	if (pipe2(report, O_CLOEXEC) != 0)
		return err_set_os(err, errno, "os_spawn", "pipe");
	*pid = fork();
	if (*pid == 0)
		become(how, report[1], environment);
	close(report[1]);
	if (*pid < 0) {
		close(report[0]);
		return err_set_os(err, errno, "os_spawn", "fork");
	}
	ssize_t n;
	do
		n = read(report[0], &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n == 0)
		return true;
	waitpid(*pid, NULL, 0);
	return os_err(err, code, "os_spawn", "start", how->program);
}

bool os_child_ended(struct os_end *out)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);
	if (pid <= 0)
		return false;
	out->pid = pid;
	out->by_signal = WIFSIGNALED(status);
	out->code = out->by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

bool os_end_is_crash(const struct os_end *end)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL,
				      SIGFPE,  SIGABRT, SIGSYS };
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (end->by_signal && end->code == faults[i])
			return true;
	return false;
}

void os_kill_hard(pid_t pid)
{
	invariant(pid > 1);
	kill(pid, SIGKILL);
}

void os_kill_gently(pid_t pid)
{
	invariant(pid > 1);
	kill(pid, SIGTERM);
}

/* --- waiting -------------------------------------------------------------- */

bool os_signals_open(int *fd, struct err *err)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	*fd = -1;
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *fd >= 0 || err_set_os(err, errno, "os_signals_open",
				      "signalfd");
}

enum os_signal os_signals_next(int fd)
{
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			return OS_SIGNAL_RELOAD;
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			return OS_SIGNAL_STOP;
		if (info.ssi_signo == SIGCHLD)
			return OS_SIGNAL_CHILD;
	}
	return OS_SIGNAL_NONE;
}

bool os_wait_output(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, timeout_ms) > 0;
}

bool os_wait_input(const int *fds, bool *ready, size_t count, int timeout_ms)
{
	enum { FDS_MAX = 64 };
	struct pollfd polls[FDS_MAX];
	invariant(count <= FDS_MAX);
	for (size_t i = 0; i < count; i++) {
		polls[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		ready[i] = false;
	}
	if (poll(polls, count, timeout_ms) <= 0)
		return false;
	for (size_t i = 0; i < count; i++)
		ready[i] = polls[i].revents != 0;
	return true;
}
