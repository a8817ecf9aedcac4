/*
 * The largest directory that one machine must hold (SPEC 2.3): 100,000
 * customers, 1,000,000 domains, 1,000,000 address entries, 10,000,000 users.
 *
 *   scale-bench [customers [users of a customer [directory]]]
 *
 * Says what the view weighs, how long a start takes to have it from the view
 * file (written below the directory, /var/tmp without one), and what a change
 * takes to be in the log (synced) and in the view.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "bench/big_directory.h"
#include "control/view_file.h"
#include "os/file.h"

enum { CHANGES = 200 };

static uint64_t resident_mib(void)
{
	unsigned long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f == NULL || fscanf(f, "%lu %lu", &all, &pages) != 2)
		die("no /proc/self/statm");
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
}

static _Noreturn void die_of(const struct err *err)
{
	fprintf(stderr, "scale-bench: %s (%s)\n", err->text, err->detail);
	exit(1);
}

static double seconds(uint64_t from_ns)
{
	return (double)(now_ns() - from_ns) / 1e9;
}

static void say_view(const struct view *v)
{
	struct view_counts c;
	view_count(v, &c);
	printf("view          %llu customers, %llu domains, %llu entries, "
	       "%llu users\n", (unsigned long long)c.customers,
	       (unsigned long long)c.domains, (unsigned long long)c.entries,
	       (unsigned long long)c.users);
	printf("memory        %llu MiB counted, %llu MiB resident\n",
	       (unsigned long long)c.bytes >> 20,
	       (unsigned long long)resident_mib());
}

/* As admin writes it, from a directory that is gone again. */
static void write_file(int dir, struct shape shape)
{
	struct view_loaded none;
	struct view_writer *w;
	struct err err;
	const struct view *v = load_directory(shape);
	uint64_t from = now_ns();
	if (!view_load(dir, &none, &err) ||
	    !view_writer_open(dir, &none, &w, &err) ||
	    !view_writer_rewrite(w, v, &err))
		die_of(&err);
	printf("written       %.1f s\n", seconds(from));
	view_writer_close(&w);
	view_unref(&none.view);
	view_unref(&v);
	malloc_trim(0);
}

/* What admin does with a change, and what relay does. */
static void change(int dir, struct view_loaded *l, struct shape shape)
{
	static uint64_t logged[CHANGES], applied[CHANGES];
	struct random r = { 9 };
	struct view_writer *w;
	struct buf b;
	struct err err;
	buf_init(&b, CHANGE_MAX);
	if (!view_writer_open(dir, l, &w, &err))
		die_of(&err);
	for (int i = 0; i < CHANGES; i++) {
		const struct view *next;
		change_entry(&b, l->view, next_random(&r) % shape.customers + 1,
			     i % 2);
		uint64_t from = now_ns();
		if (!view_writer_append(w, buf_slice(&b), &err))
			die_of(&err);
		logged[i] = now_ns() - from;
		from = now_ns();
		if (!view_apply(l->view, buf_slice(&b), &next, &err))
			die_of(&err);
		applied[i] = now_ns() - from;
		view_unref(&l->view);
		l->view = next;
	}
	qsort(logged, CHANGES, sizeof(*logged), by_number);
	qsort(applied, CHANGES, sizeof(*applied), by_number);
	printf("one change    %zu bytes; in the log, synced: median %.2f ms, "
	       "longest %.2f ms; in the view: median %.3f ms, longest "
	       "%.3f ms\n", b.n, (double)logged[CHANGES / 2] / 1e6,
	       (double)logged[CHANGES - 1] / 1e6,
	       (double)applied[CHANGES / 2] / 1e6,
	       (double)applied[CHANGES - 1] / 1e6);
	view_writer_close(&w);
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	struct shape shape = { 100000, 100 };
	static const uint8_t key[16] = { 1, 2, 3 };
	char path[512], command[600];
	struct view_loaded loaded;
	struct err err;
	int dir;
	if (argc > 1)
		shape.customers = (uint32_t)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		shape.users_each = (uint32_t)strtoul(argv[2], NULL, 10);
	if (shape.customers == 0 || shape.customers > 400000000u)
		die("customers out of range");
	hash_key_set(key);
	snprintf(path, sizeof(path), "%s/scale-bench-XXXXXX",
		 argc > 3 ? argv[3] : "/var/tmp");
	if (mkdtemp(path) == NULL || !os_dir_open(path, &dir, &err))
		die("no directory to write to");
	write_file(dir, shape);
	uint64_t from = now_ns();
	if (!view_load(dir, &loaded, &err))
		die_of(&err);
	if (loaded.bad_files > 0)
		die("the view file does not check");
	printf("start         %.1f s from a file of %llu MiB\n", seconds(from),
	       (unsigned long long)loaded.file_bytes >> 20);
	say_view(loaded.view);
	change(dir, &loaded, shape);
	snprintf(command, sizeof(command), "rm -r '%s'", path);
	return system(command) == 0 ? 0 : 1;
}
