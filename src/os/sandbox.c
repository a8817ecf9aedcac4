/*
 * Sandbox by libseccomp and Landlock; see sandbox.h. Landlock has no wrapper
 * in libc, and the headers of Debian 12 know version 2 only: numbers and the
 * struct of later versions stand here.
 */
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <malloc.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/os_private.h"

bool os_sandbox_begin(struct err *err)
{
	struct rlimit none = { 0, 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return err_set_os(err, errno, "os_sandbox_begin", "prctl");
	return true;
}

/* --- Landlock ------------------------------------------------------------- */

enum {
	LL_TRUNCATE = 1 << 14,		/* version 3 */
	LL_IOCTL_DEV = 1 << 15,		/* version 5 */
	LL_BIND_TCP = 1 << 0,		/* version 4 */
	LL_CONNECT_TCP = 1 << 1,
};
struct ll_attributes {
	uint64_t files, net;
};

static uint64_t handled_files(int version)
{
	uint64_t all = (1 << 13) - 1;	/* version 1: execute … make_sym */
	if (version >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		all |= LL_TRUNCATE;
	if (version >= 5)
		all |= LL_IOCTL_DEV;
	return all;
}

static uint64_t granted(const struct os_landlock_dir *dir, int version)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_READ_FILE |
			  LANDLOCK_ACCESS_FS_READ_DIR;
	if (dir->sockets_only)
		return LANDLOCK_ACCESS_FS_MAKE_SOCK;
	if (dir->writable)
		rights |= LANDLOCK_ACCESS_FS_WRITE_FILE |
			  LANDLOCK_ACCESS_FS_MAKE_REG |
			  LANDLOCK_ACCESS_FS_MAKE_DIR |
			  LANDLOCK_ACCESS_FS_REMOVE_FILE |
			  LANDLOCK_ACCESS_FS_REMOVE_DIR |
			  LANDLOCK_ACCESS_FS_REFER | LL_TRUNCATE;
	return rights & handled_files(version);
}

static bool add_dir(int rules, const struct os_landlock_dir *dir, int version,
		    struct err *err)
{
	int fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ||
		       os_err(err, errno, "os_landlock", "open", dir->path);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = granted(dir, version), .parent_fd = fd };
	bool ok = syscall(SYS_landlock_add_rule, rules,
			  LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	int why = errno;
	close(fd);
	return ok || os_err(err, why, "os_landlock", "allow", dir->path);
}

bool os_landlock(const struct os_landlock_dir *dirs, size_t count,
		 enum os_landlock_net net, int *version, struct err *err)
{
	struct ll_attributes attributes = { 0 };
	long found = syscall(SYS_landlock_create_ruleset, NULL, 0,
			     LANDLOCK_CREATE_RULESET_VERSION);
	invariant(count <= OS_LANDLOCK_DIRS_MAX);
	*version = found > 0 ? (int)found : 0;
	if (*version == 0)
		return true;
	attributes.files = handled_files(*version);
	if (*version >= 4)
		attributes.net = net == OS_LANDLOCK_NO_NET
			? LL_BIND_TCP | LL_CONNECT_TCP : 0;
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes,
				 *version >= 4 ? sizeof(attributes)
					       : sizeof(uint64_t), 0);
	if (rules < 0)
		return err_set_os(err, errno, "os_landlock", "make rules");
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++)
		ok = add_dir(rules, &dirs[i], *version, err);
	if (ok && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		ok = err_set_os(err, errno, "os_landlock", "restrict");
	close(rules);
	return ok;
}

/* --- seccomp -------------------------------------------------------------- */

/* Calls allowed whatever their arguments: to both roles. */
static const int common_calls[] = {
	/* bytes */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(dup),
	/* memory */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(mincore), SCMP_SYS(mlock), SCMP_SYS(munlock),
	/* sockets that are there, or come by one that listens */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt),
	SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmmsg),
	SCMP_SYS(shutdown),
	/* waiting */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_create), SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(eventfd2), SCMP_SYS(pipe), SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(futex),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	/* time, chance, who we are */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrusage), SCMP_SYS(getcpu), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getrlimit),
	/* threads and signals of this process */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address),
	SCMP_SYS(membarrier), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* And to relay. */
static const int relay_calls[] = {
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv),
	SCMP_SYS(pwritev), SCMP_SYS(preadv2), SCMP_SYS(pwritev2),
	/* files: below the directories that Landlock leaves */
	SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs),
	SCMP_SYS(statfs), SCMP_SYS(getdents64), SCMP_SYS(mkdirat),
	SCMP_SYS(unlinkat), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(linkat), SCMP_SYS(fallocate), SCMP_SYS(ftruncate),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range),
	SCMP_SYS(fadvise64), SCMP_SYS(flock), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(readlinkat),
	/* sockets; which ones may be made: see below */
	SCMP_SYS(connect), SCMP_SYS(bind),
};

static struct scmp_arg_cmp equals(unsigned argument, uint64_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_EQ,
				      .datum_a = value };
}

static struct scmp_arg_cmp masked(unsigned argument, uint64_t mask,
				  uint64_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument,
				      .op = SCMP_CMP_MASKED_EQ,
				      .datum_a = mask, .datum_b = value };
}

static bool add_rule(scmp_filter_ctx ctx, uint32_t action, int call,
		     unsigned count, struct scmp_arg_cmp compare)
{
	int code = seccomp_rule_add_array(ctx, action, call, count, &compare);
	/* A call that this processor doesn't have needs no rule. */
	return code == 0 || code == -EDOM;
}

/* Calls allowed with certain arguments only: relay's sockets. No raw or packet
 * ones, no Unix, no netlink. */
static bool add_sockets(scmp_filter_ctx ctx)
{
	static const int sockets[] = { AF_INET, AF_INET6 };
	const uint64_t kind = (uint64_t)~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool ok = true;
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
		struct scmp_arg_cmp stream[] = {
			equals(0, (uint64_t)sockets[i]),
			masked(1, kind, SOCK_STREAM) };
		struct scmp_arg_cmp datagram[] = {
			equals(0, (uint64_t)sockets[i]),
			masked(1, kind, SOCK_DGRAM) };
		ok = ok && seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
						  SCMP_SYS(socket), 2,
						  stream) == 0 &&
		     seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
					    SCMP_SYS(socket), 2, datagram) == 0;
	}
	return ok;
}

/* Console's: pairs, whose ends admin gets. */
static bool add_pairs(scmp_filter_ctx ctx)
{
	return add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
			equals(0, AF_UNIX));
}

/* And what both do. */
static bool add_narrow_calls(scmp_filter_ctx ctx)
{
	/* Memory is never executable again. */
	bool ok = add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
			    masked(2, PROT_EXEC, 0)) &&
	     add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		      masked(2, PROT_EXEC, 0));
	/* Threads, never processes. clone3 hides its flags: libc falls back. */
	ok = ok && add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			    masked(0, CLONE_THREAD,
				    CLONE_THREAD)) &&
	     add_rule(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0,
		      equals(0, 0));
	/* Names of threads; limits may be read; abort raises its signal. */
	ok = ok && add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			    equals(0, PR_SET_NAME)) &&
	     add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
		      equals(2, 0)) &&
	     add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		      equals(0, (uint64_t)getpid()));
	ok = ok && add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			    equals(1, FIONBIO)) &&
	     add_rule(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		      equals(1, FIONREAD)) &&
	     /* isatty in stdio: "no terminal" is answer enough */
	     add_rule(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
		      equals(1, 0x5401 /* TCGETS */));
	return ok;
}

/* role: more plain calls; sockets: which ones may be made. */
static bool close_calls(const int *role, size_t count,
			bool (*sockets)(scmp_filter_ctx ctx), struct err *err)
{
#ifdef __SANITIZE_ADDRESS__
	/* The sanitizer makes calls of its own, up to ptrace at the end. */
	return err_set(err, ERR_OK, SCOPE_NONE, "os_seccomp", "left out") ||
	       true;
#endif
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool ok = ctx != NULL &&
		  seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1) == 0;
	for (size_t i = 0; ok && i < ARRAY_LEN(common_calls); i++)
		ok = add_rule(ctx, SCMP_ACT_ALLOW, common_calls[i], 0,
			      equals(0, 0));
	for (size_t i = 0; ok && i < count; i++)
		ok = add_rule(ctx, SCMP_ACT_ALLOW, role[i], 0, equals(0, 0));
	ok = ok && sockets(ctx) && add_narrow_calls(ctx);
	int code = ok ? seccomp_load(ctx) : -EINVAL;
	if (ctx != NULL)
		seccomp_release(ctx);
	return code == 0 || err_set_os(err, -code, "os_seccomp",
				       "load the filter");
}

bool os_seccomp_relay(struct err *err)
{
	return close_calls(relay_calls, ARRAY_LEN(relay_calls), add_sockets,
			   err);
}

void os_seccomp_console_prepare(void)
{
	/* The first gmtime_r (of the Date field) would open /etc/localtime,
	 * and giving back memory of a thread's own heap looks into
	 * /proc/sys/vm: so all threads share the one that doesn't. */
	tzset();
	mallopt(M_ARENA_MAX, 1);
}

bool os_seccomp_console(struct err *err)
{
	return close_calls(NULL, 0, add_pairs, err);
}
