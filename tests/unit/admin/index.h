/* What tests of the journal's index share: a journal of the test's own lines,
 * and its index. */
#pragma once

#include "unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/search.h"

struct place {
	char path[64], journal[96], index[96];
	struct log log;
	struct search *search;
};

static bool drop_line(void *ctx, slice line)
{
	(void)ctx;
	(void)line;
	return true;
}
static int64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char command[256];
	strcpy(p->path, "/tmp/postrider-search-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	snprintf(p->journal, sizeof(p->journal), "%s/journal", p->path);
	snprintf(p->index, sizeof(p->index), "%s/index", p->path);
	snprintf(command, sizeof(command), "mkdir %s %s", p->journal, p->index);
	assert_int_equal(system(command), 0);
	p->log = (struct log){ .level = LOG_ALARM, .write = drop_line,
			       .wall_ms = no_time };
	*state = p;
	return 0;
}
static int tear_down(void **state)
{
	struct place *p = *state;
	char command[128];
	search_close(&p->search);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static void write_lines(struct place *p, const char *file, const char *text)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/%s.jsonl", p->journal, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void index_all(struct place *p, uint32_t step)
{
	struct err err = { 0 };
	bool more = true;
	if (p->search == NULL &&
	    !search_open(p->journal, p->index, &p->log, &p->search, &err))
		fail_msg("%s %s", err.text, err.detail);
	for (int i = 0; more && i < 100000; i++)
		if (!search_step(p->search, step, &more, &err))
			fail_msg("%s %s", err.text, err.detail);
	assert_false(more);
}
