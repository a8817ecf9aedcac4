/* The disk of the simulator; see disk.h and src/os/file.h. */
#include "sim/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/file.h"
#include "sim/sim.h"

enum { FDS_MAX = 4096, SECTOR = 512, NAME_MAX_LEN = 64, FIRST_FD = 1000 };

enum op_kind { OP_WRITE, OP_SIZE };
struct op {				/* not yet on the medium */
	struct op *next;
	enum op_kind kind;
	uint64_t offset, n;		/* SIZE: the new size in n */
	uint8_t *bytes;
};

struct image {
	uint8_t *bytes;
	uint64_t size;			/* behind `stored` all is zero */
	uint64_t stored;
};

enum link_kind { LINK_ADD, LINK_REMOVE, LINK_RENAME };
struct link_op {
	struct link_op *next;
	enum link_kind kind;
	char name[NAME_MAX_LEN], to[NAME_MAX_LEN];
	struct node *node;
	struct node *from;		/* ADD: it leaves this directory, where
					 * it has the same kind of name: */
	char left[NAME_MAX_LEN];
};

struct entry {
	struct entry *next;
	char name[NAME_MAX_LEN];
	struct node *node;
};

struct node {
	struct node *next;		/* all nodes of the disk */
	bool is_dir, marked, locked;
	int64_t renamed_ns;
	unsigned opens;
	/* files */
	struct image seen, medium;
	struct op *first, *last;
	uint64_t allocated;
	/* directories */
	struct entry *entries, *durable;
	struct link_op *links, *links_last;
};

struct handle {
	struct node *node;
	bool writable, append, holds_lock;
	bool sync_failed;		/* must not be synced again */
};

struct disk {
	struct node *nodes;
	struct node *root;
	struct handle fds[FDS_MAX];
	struct disk_faults faults;
	uint64_t calls, syncs, writes;
	bool dead, sync_failed, trusted;
};

/* --- small things ----------------------------------------------------------- */

static bool fail(struct err *err, int os_error, const char *where)
{
	return err_set_os(err, os_error, where, where);
}

static struct node *node_new(struct disk *d, bool is_dir)
{
	struct node *n = calloc(1, sizeof(*n));
	invariant(n != NULL);
	n->is_dir = is_dir;
	n->next = d->nodes;
	d->nodes = n;
	return n;
}

static void ops_free(struct node *n)
{
	for (struct op *op = n->first; op != NULL;) {
		struct op *next = op->next;
		free(op->bytes);
		free(op);
		op = next;
	}
	n->first = n->last = NULL;
}

static void links_free(struct node *n)
{
	for (struct link_op *op = n->links; op != NULL;) {
		struct link_op *next = op->next;
		free(op);
		op = next;
	}
	n->links = n->links_last = NULL;
}

static void entries_free(struct entry **list)
{
	for (struct entry *e = *list; e != NULL;) {
		struct entry *next = e->next;
		free(e);
		e = next;
	}
	*list = NULL;
}

static void node_free(struct node *n)
{
	ops_free(n);
	links_free(n);
	entries_free(&n->entries);
	entries_free(&n->durable);
	free(n->seen.bytes);
	free(n->medium.bytes);
	free(n);
}

struct disk *disk_new(void)
{
	struct disk *d = calloc(1, sizeof(*d));
	invariant(d != NULL);
	d->root = node_new(d, true);
	return d;
}

void disk_free(struct disk **disk)
{
	struct disk *d = *disk;
	*disk = NULL;
	for (struct node *n = d->nodes; n != NULL;) {
		struct node *next = n->next;
		node_free(n);
		n = next;
	}
	free(d);
}

void disk_set_faults(struct disk *d, const struct disk_faults *f)
{
	d->faults = *f;
	d->calls = d->syncs = d->writes = 0;
	d->sync_failed = false;
}

bool disk_is_dead(const struct disk *d)
{
	return d->dead;
}

uint64_t disk_calls(const struct disk *d)
{
	return d->calls;
}

bool disk_sync_failed(const struct disk *d)
{
	return d->sync_failed;
}

bool disk_trusted_failed_sync(const struct disk *d)
{
	return d->trusted;
}

unsigned disk_handles(const struct disk *d)
{
	unsigned n = 0;
	for (unsigned i = 0; i < FDS_MAX; i++)
		n += d->fds[i].node != NULL;
	return n;
}

/* Every call comes by here. The call at which the disk dies still has its
 * effect on what the kernel holds, but nobody hears of it. other: the errno
 * besides EIO with which it may fail; 0: the caller sees to that. */
static bool enter(struct disk *d, struct err *err, const char *where,
		  int other)
{
	sim_call();
	sim_note(where, d->calls, 0);
	if (d->dead)
		return fail(err, EIO, where);
	int error = other == 0 ? 0 : sim_call_error(&sim->files, where, EIO,
						    other);
	if (error != 0)
		return fail(err, error, where);
	d->calls++;
	if (d->faults.die_at != 0 && d->calls >= d->faults.die_at)
		d->dead = true;
	return true;
}

static bool leave(struct disk *d, struct err *err, const char *where)
{
	sim_call();
	return !d->dead || fail(err, EIO, where);
}

/* --- images ------------------------------------------------------------------ */

static void image_store(struct image *im, uint64_t upto)
{
	if (upto <= im->stored)
		return;
	uint64_t cap = (upto + 4095) / 4096 * 4096;
	im->bytes = realloc(im->bytes, cap);
	invariant(im->bytes != NULL);
	memset(im->bytes + im->stored, 0, cap - im->stored);
	im->stored = cap;
}

static void image_write(struct image *im, uint64_t offset,
			const uint8_t *bytes, uint64_t n)
{
	if (n == 0)
		return;
	image_store(im, offset + n);
	memcpy(im->bytes + offset, bytes, n);
	if (im->size < offset + n)
		im->size = offset + n;
}

static void image_resize(struct image *im, uint64_t size)
{
	if (size < im->stored)
		memset(im->bytes + size, 0, im->stored - size);
	im->size = size;
}

static void op_add(struct node *n, enum op_kind kind, uint64_t offset,
		   const void *bytes, uint64_t count)
{
	struct op *op = calloc(1, sizeof(*op));
	invariant(op != NULL);
	op->kind = kind;
	op->offset = offset;
	op->n = count;
	if (kind == OP_WRITE) {
		op->bytes = malloc(count + 1);
		invariant(op->bytes != NULL);
		memcpy(op->bytes, bytes, count);
	}
	if (n->last != NULL)
		n->last->next = op;
	else
		n->first = op;
	n->last = op;
}

static void op_apply(struct node *n, const struct op *op)
{
	if (op->kind == OP_WRITE)
		image_write(&n->medium, op->offset, op->bytes, op->n);
	else
		image_resize(&n->medium, op->n);
}

/* Sectors of it, each by chance: aligned on the disk, not in the write. */
static void op_apply_torn(struct node *n, const struct op *op)
{
	uint64_t at = op->offset, end = op->offset + op->n;
	while (at < end) {
		uint64_t next = (at / SECTOR + 1) * SECTOR;
		if (next > end)
			next = end;
		if (sim_chance(&sim->faults, 50))
			image_write(&n->medium, at,
				    op->bytes + (at - op->offset), next - at);
		at = next;
	}
	/* The size may be there without the bytes. */
	if (sim_chance(&sim->faults, 50) && n->medium.size < end)
		n->medium.size = end;
}

static void ops_draw(struct node *n)
{
	for (struct op *op = n->first; op != NULL; op = op->next) {
		unsigned luck = (unsigned)sim_below(&sim->faults, 3);
		if (luck == 0)
			op_apply(n, op);
		else if (luck == 1 && op->kind == OP_WRITE)
			op_apply_torn(n, op);
	}
	ops_free(n);
}

/* --- directories ---------------------------------------------------------------- */

static struct entry **entry_find(struct entry **list, const char *name)
{
	struct entry **at = list;
	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void entry_set(struct entry **list, const char *name,
		      struct node *node)
{
	struct entry **at = entry_find(list, name);
	if (*at == NULL) {
		*at = calloc(1, sizeof(**at));
		invariant(*at != NULL);
		snprintf((*at)->name, NAME_MAX_LEN, "%s", name);
	}
	(*at)->node = node;
}

static void entry_remove(struct entry **list, const char *name)
{
	struct entry **at = entry_find(list, name);
	struct entry *e = *at;
	if (e == NULL)
		return;
	*at = e->next;
	free(e);
}

static void link_apply(struct entry **list, const struct link_op *op)
{
	switch (op->kind) {
	case LINK_ADD:
		entry_set(list, op->name, op->node);
		break;
	case LINK_REMOVE:
		entry_remove(list, op->name);
		break;
	case LINK_RENAME:
		entry_remove(list, op->name);
		entry_set(list, op->to, op->node);
		break;
	}
}

static void link_add(struct node *dir, enum link_kind kind, const char *name,
		     const char *to, struct node *node)
{
	struct link_op *op = calloc(1, sizeof(*op));
	invariant(op != NULL && strlen(name) < NAME_MAX_LEN);
	op->kind = kind;
	snprintf(op->name, sizeof(op->name), "%s", name);
	snprintf(op->to, sizeof(op->to), "%s", to ? to : "");
	op->node = node;
	if (dir->links_last != NULL)
		dir->links_last->next = op;
	else
		dir->links = op;
	dir->links_last = op;
	link_apply(&dir->entries, op);
}

/* A name that came from another directory is on the medium: only now it can
 * go there. Unless that name has been taken again. */
static void leave_old_name(const struct link_op *op)
{
	if (op->from == NULL)
		return;
	if (*entry_find(&op->from->entries, op->left) == NULL)
		link_add(op->from, LINK_REMOVE, op->left, NULL, op->node);
}

static bool names_meet(const struct link_op *a, const struct link_op *b)
{
	return a->node == b->node || strcmp(a->name, b->name) == 0 ||
	       strcmp(a->name, b->to) == 0 || strcmp(a->to, b->name) == 0;
}

/* Changes of one name keep their order; different names don't wait for each
 * other. */
static void links_draw(struct node *dir)
{
	for (struct link_op *op = dir->links; op != NULL; op = op->next) {
		bool lost = sim_chance(&sim->faults, 50);
		for (struct link_op *b = dir->links; b != op; b = b->next)
			lost = lost || (b->node == NULL && names_meet(op, b));
		if (lost) {
			op->node = NULL;	/* marks it */
			continue;
		}
		link_apply(&dir->durable, op);
		if (op->from != NULL)
			entry_remove(&op->from->durable, op->left);
	}
	links_free(dir);
}

static void links_sync(struct node *dir)
{
	for (struct link_op *op = dir->links; op != NULL; op = op->next) {
		link_apply(&dir->durable, op);
		leave_old_name(op);
	}
	links_free(dir);
}

/* --- power -------------------------------------------------------------------------- */

static void mark(struct node *n)
{
	if (n->marked)
		return;
	n->marked = true;
	for (struct entry *e = n->entries; e != NULL; e = e->next)
		mark(e->node);
	for (struct entry *e = n->durable; e != NULL; e = e->next)
		mark(e->node);
	for (struct link_op *op = n->links; op != NULL; op = op->next)
		if (op->node != NULL)
			mark(op->node);
}

/* Nodes without a name or a handle go. */
static void sweep(struct disk *d)
{
	for (struct node *n = d->nodes; n != NULL; n = n->next)
		n->marked = n->opens > 0;
	d->root->marked = false;
	mark(d->root);
	for (struct node **at = &d->nodes; *at != NULL;) {
		struct node *n = *at;
		if (n->marked) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		node_free(n);
	}
}

static void close_all(struct disk *d)
{
	for (unsigned i = 0; i < FDS_MAX; i++)
		invariant(d->fds[i].node == NULL);
	d->dead = false;
	for (struct node *n = d->nodes; n != NULL; n = n->next)
		n->locked = false;
	sweep(d);
}

static void image_copy(struct image *to, const struct image *from)
{
	free(to->bytes);
	*to = (struct image){ .size = from->size };
	if (from->stored > 0) {
		image_store(to, from->stored);
		memcpy(to->bytes, from->bytes, from->stored);
	}
}

void disk_drop_handles(struct disk *d)
{
	for (unsigned i = 0; i < FDS_MAX; i++) {
		if (d->fds[i].node != NULL)
			d->fds[i].node->opens--;
		d->fds[i] = (struct handle){ 0 };
	}
}

void disk_power_cut(struct disk *d)
{
	for (struct node *n = d->nodes; n != NULL; n = n->next) {
		if (n->is_dir) {
			links_draw(n);
			entries_free(&n->entries);
			for (struct entry *e = n->durable; e; e = e->next)
				entry_set(&n->entries, e->name, e->node);
		} else {
			ops_draw(n);
			image_copy(&n->seen, &n->medium);
			n->allocated = n->seen.size;
		}
	}
	close_all(d);
}

void disk_process_killed(struct disk *d)
{
	close_all(d);
}

/* --- src/os/file.h ----------------------------------------------------------------------- */

static int fd_new(struct disk *d, struct node *n, bool writable, bool append)
{
	for (int i = 0; i < FDS_MAX; i++) {
		if (d->fds[i].node != NULL)
			continue;
		d->fds[i] = (struct handle){ .node = n, .writable = writable,
					    .append = append };
		n->opens++;
		return i + FIRST_FD;
	}
	unreachable_state("too many open files");
}

static struct handle *handle_of(int fd)
{
	invariant(fd >= FIRST_FD && fd < FIRST_FD + FDS_MAX);
	struct handle *h = &sim->disk->fds[fd - FIRST_FD];
	invariant(h->node != NULL);
	return h;
}

static struct node *dir_of(int fd)
{
	struct node *n = handle_of(fd)->node;
	invariant(n->is_dir);
	return n;
}

static struct handle *file_of(int fd)
{
	struct handle *h = handle_of(fd);
	invariant(!h->node->is_dir);
	return h;
}

void os_file_close(int *fd)
{
	struct handle *h = handle_of(*fd);
	if (h->holds_lock)
		h->node->locked = false;
	h->node->opens--;
	*h = (struct handle){ 0 };
	*fd = -1;
}

bool os_dir_open(const char *path, int *out, struct err *err)
{
	struct disk *d = sim->disk;
	(void)path;
	if (!enter(d, err, "os_dir_open", EMFILE) ||
	    !leave(d, err, "os_dir_open"))
		return false;
	*out = fd_new(d, d->root, false, false);
	return true;
}

bool os_dir_open_at(int dir, const char *name, int *out, struct err *err)
{
	struct disk *d = sim->disk;
	struct node *in = dir_of(dir);
	if (!enter(d, err, "os_dir_open_at", EMFILE))
		return false;
	struct entry *e = *entry_find(&in->entries, name);
	struct node *n = e ? e->node : node_new(d, true);
	if (e == NULL)
		link_add(in, LINK_ADD, name, NULL, n);
	if (!leave(d, err, "os_dir_open_at"))
		return false;
	*out = fd_new(d, n, false, false);
	return true;
}

bool os_dir_sync(int dir, struct err *err)
{
	struct disk *d = sim->disk;
	struct node *n = dir_of(dir);
	if (!enter(d, err, "os_dir_sync", ENOSPC) ||
	    !leave(d, err, "os_dir_sync"))
		return false;
	links_sync(n);
	return true;
}

bool os_dir_list(int dir, bool (*each)(void *ctx, const char *name),
		 void *ctx, struct err *err)
{
	struct disk *d = sim->disk;
	struct node *n = dir_of(dir);
	if (!enter(d, err, "os_dir_list", EMFILE) ||
	    !leave(d, err, "os_dir_list"))
		return false;
	for (struct entry *e = n->entries; e != NULL; e = e->next)
		if (!each(ctx, e->name))
			break;
	return true;
}

bool os_file_open(int dir, const char *name, enum os_open_mode mode, int *out,
		  struct err *err)
{
	struct disk *d = sim->disk;
	struct node *in = dir_of(dir);
	if (!enter(d, err, "os_file_open", EMFILE))
		return false;
	struct entry *e = *entry_find(&in->entries, name);
	struct node *n = e ? e->node : NULL;
	bool may_make = mode == OS_CREATE || mode == OS_APPEND;
	if (n == NULL && !may_make)
		return fail(err, ENOENT, "os_file_open");
	if (n != NULL && mode == OS_CREATE)
		return fail(err, EEXIST, "os_file_open");
	if (n == NULL) {
		n = node_new(d, false);
		link_add(in, LINK_ADD, name, NULL, n);
	}
	if (!leave(d, err, "os_file_open"))
		return false;
	*out = fd_new(d, n, mode != OS_READ, mode == OS_APPEND);
	return true;
}

static uint64_t node_bytes(const struct node *n)
{
	return n->allocated > n->seen.size ? n->allocated : n->seen.size;
}

/* Of files that have a name or are open; what was unlinked is free. */
static uint64_t used_bytes(struct disk *d)
{
	uint64_t used = 0;
	for (struct node *n = d->nodes; n != NULL; n = n->next)
		n->marked = n->opens > 0;
	for (struct node *n = d->nodes; n != NULL; n = n->next)
		for (struct entry *e = n->entries; e != NULL; e = e->next)
			e->node->marked = true;
	for (const struct node *n = d->nodes; n != NULL; n = n->next)
		used += n->marked ? node_bytes(n) : 0;
	return used;
}

static bool has_room(struct disk *d, const struct node *n, uint64_t end)
{
	uint64_t now = node_bytes(n);
	return d->faults.capacity == 0 || end <= now ||
	       used_bytes(d) + (end - now) <= d->faults.capacity;
}

static void write_seen(struct node *n, uint64_t offset, const void *bytes,
		       uint64_t count)
{
	image_write(&n->seen, offset, bytes, count);
	op_add(n, OP_WRITE, offset, bytes, count);
}

bool os_file_write(int fd, const struct iovec *iov, int count,
		   uint64_t offset, struct err *err)
{
	struct disk *d = sim->disk;
	struct handle *h = file_of(fd);
	invariant(h->writable);
	uint64_t end = offset;
	for (int i = 0; i < count; i++)
		end += iov[i].iov_len;
	if (!enter(d, err, "os_file_write", 0))
		return false;
	if (!has_room(d, h->node, end))
		return fail(err, ENOSPC, "os_file_write");
	int error = sim_call_error(&sim->files, "os_file_write", EIO, ENOSPC);
	if (++d->writes == d->faults.fail_write_at)
		error = EIO;
	bool bad = error != 0;
	for (int i = 0; i < count && !(bad && i > count / 2); i++) {
		write_seen(h->node, offset, iov[i].iov_base, iov[i].iov_len);
		offset += iov[i].iov_len;
	}
	if (bad)
		return fail(err, error, "os_file_write");
	sim_hold_up();
	return leave(d, err, "os_file_write");
}

bool os_file_append(int fd, slice s, struct err *err)
{
	struct handle *h = file_of(fd);
	invariant(h->append);
	struct iovec iov = { (void *)(uintptr_t)s.p, s.n };
	return os_file_write(fd, &iov, 1, h->node->seen.size, err);
}

bool os_file_read(int fd, void *to, size_t cap, uint64_t offset, size_t *n,
		  struct err *err)
{
	struct disk *d = sim->disk;
	const struct image *im = &file_of(fd)->node->seen;
	if (!enter(d, err, "os_file_read", EIO) ||
	    !leave(d, err, "os_file_read"))
		return false;
	*n = offset >= im->size ? 0 :
	     im->size - offset < cap ? (size_t)(im->size - offset) : cap;
	size_t stored = offset >= im->stored ? 0 :
			im->stored - offset < *n ?
			(size_t)(im->stored - offset) : *n;
	if (stored > 0)
		memcpy(to, im->bytes + offset, stored);
	if (*n > stored)
		memset((char *)to + stored, 0, *n - stored);
	return true;
}

bool os_file_allocate(int fd, uint64_t offset, uint64_t length,
		      struct err *err)
{
	struct disk *d = sim->disk;
	struct node *n = file_of(fd)->node;
	uint64_t end = offset + length;
	if (!enter(d, err, "os_file_allocate", ENOSPC))
		return false;
	if (!has_room(d, n, end))
		return fail(err, ENOSPC, "os_file_allocate");
	if (end > n->allocated)
		n->allocated = end;
	if (end > n->seen.size) {
		image_resize(&n->seen, end);
		op_add(n, OP_SIZE, 0, NULL, end);
	}
	return leave(d, err, "os_file_allocate");
}

bool os_file_truncate(int fd, uint64_t size, struct err *err)
{
	struct disk *d = sim->disk;
	struct node *n = file_of(fd)->node;
	if (!enter(d, err, "os_file_truncate", EROFS))
		return false;
	image_resize(&n->seen, size);
	n->allocated = size;
	op_add(n, OP_SIZE, 0, NULL, size);
	return leave(d, err, "os_file_truncate");
}

bool os_file_size(int fd, uint64_t *out, struct err *err)
{
	struct disk *d = sim->disk;
	if (!enter(d, err, "os_file_size", EIO) ||
	    !leave(d, err, "os_file_size"))
		return false;
	*out = file_of(fd)->node->seen.size;
	return true;
}

static int sync_error(struct disk *d)
{
	int error = sim_call_error(&sim->files, "os_file_sync", EIO, ENOSPC);
	d->syncs++;
	if (d->faults.fail_sync_at != 0 &&
	    d->syncs >= d->faults.fail_sync_at &&
	    d->syncs < d->faults.fail_sync_at + d->faults.fail_syncs)
		error = EIO;
	return error;
}

bool os_file_sync(int fd, struct err *err)
{
	struct disk *d = sim->disk;
	struct handle *h = file_of(fd);
	struct node *n = h->node;
	if (!enter(d, err, "os_file_sync", 0) ||
	    !leave(d, err, "os_file_sync"))
		return false;
	d->trusted = d->trusted || h->sync_failed;
	int error = sync_error(d);
	if (error != 0) {
		d->sync_failed = h->sync_failed = true;
		ops_draw(n);
		return fail(err, error, "os_file_sync");
	}
	for (struct op *op = n->first; op != NULL; op = op->next)
		op_apply(n, op);
	ops_free(n);
	sim_hold_up();
	sim_call();
	return true;
}

bool os_file_rename(int from_dir, const char *from, int to_dir,
		    const char *to, struct err *err)
{
	struct disk *d = sim->disk;
	struct node *a = dir_of(from_dir), *b = dir_of(to_dir);
	if (!enter(d, err, "os_file_rename", ENOSPC))
		return false;
	struct entry *e = *entry_find(&a->entries, from);
	if (e == NULL)
		return fail(err, ENOENT, "os_file_rename");
	struct node *n = e->node;
	n->renamed_ns = sim->now_ns;
	if (a == b) {
		link_add(a, LINK_RENAME, from, to, n);
	} else {
		/* Never in neither: the new name is there first. */
		link_add(b, LINK_ADD, to, NULL, n);
		b->links_last->from = a;
		snprintf(b->links_last->left, NAME_MAX_LEN, "%s", from);
		entry_remove(&a->entries, from);
	}
	return leave(d, err, "os_file_rename");
}

bool os_file_unlink(int dir, const char *name, struct err *err)
{
	struct disk *d = sim->disk;
	struct node *in = dir_of(dir);
	if (!enter(d, err, "os_file_unlink", EROFS))
		return false;
	struct entry *e = *entry_find(&in->entries, name);
	if (e != NULL)
		link_add(in, LINK_REMOVE, name, NULL, e->node);
	return leave(d, err, "os_file_unlink");
}

bool os_disk_free(int dir, uint64_t *bytes, uint64_t *inodes,
		  struct err *err)
{
	struct disk *d = sim->disk;
	(void)dir_of(dir);
	if (!enter(d, err, "os_disk_free", EIO) ||
	    !leave(d, err, "os_disk_free"))
		return false;
	uint64_t used = used_bytes(d);
	*inodes = 1000000;
	*bytes = d->faults.capacity == 0 ? UINT64_C(1) << 40 :
		 used < d->faults.capacity ? d->faults.capacity - used : 0;
	return true;
}

bool os_file_lock(int fd, struct err *err)
{
	struct disk *d = sim->disk;
	struct handle *h = file_of(fd);
	if (!enter(d, err, "os_file_lock", ENOLCK) ||
	    !leave(d, err, "os_file_lock"))
		return false;
	if (h->node->locked)
		return err_set(err, ERR_TEMPORARY, SCOPE_SELF, "os_file_lock",
			       "another process holds the lock");
	h->node->locked = h->holds_lock = true;
	return true;
}

/* --- for who reads mail ------------------------------------------------------------------ */

/* What is changed on the way to the medium is there at once. */
static void forget_links(struct node *dir, const char *name)
{
	dir->links_last = NULL;
	for (struct link_op **at = &dir->links; *at != NULL;) {
		struct link_op *op = *at;
		if (strcmp(op->name, name) != 0 && strcmp(op->to, name) != 0) {
			dir->links_last = op;
			at = &op->next;
			continue;
		}
		leave_old_name(op);
		*at = op->next;
		free(op);
	}
}

static struct node *walk_to(struct disk *d, const char *const *path,
			    size_t count)
{
	struct node *n = d->root;
	for (size_t i = 0; i < count && n != NULL; i++) {
		struct entry *e = *entry_find(&n->entries, path[i]);
		n = e != NULL && e->node->is_dir ? e->node : NULL;
	}
	return n;
}

bool disk_take(struct disk *d, const char *const *path, size_t count,
	       void (*taken)(void *ctx, slice bytes, int64_t renamed_ns),
	       void *ctx)
{
	struct node *dir = walk_to(d, path, count);
	char name[NAME_MAX_LEN];
	if (dir == NULL || dir->entries == NULL)
		return false;
	struct node *n = dir->entries->node;
	memcpy(name, dir->entries->name, sizeof(name));
	image_store(&n->seen, n->seen.size);
	taken(ctx, (slice){ (const char *)n->seen.bytes, n->seen.size },
	      n->renamed_ns);
	forget_links(dir, name);
	entry_remove(&dir->entries, name);
	entry_remove(&dir->durable, name);
	return true;
}

/* --- damage ------------------------------------------------------------------------------- */

bool disk_damage(struct disk *d, const char *dir, const char *name,
		 uint64_t offset, uint64_t n, uint8_t x)
{
	struct node *in = d->root;
	if (dir != NULL) {
		struct entry *e = *entry_find(&in->entries, dir);
		in = e ? e->node : NULL;
	}
	struct entry *e = in ? *entry_find(&in->entries, name) : NULL;
	if (e == NULL)
		return false;
	struct image *images[2] = { &e->node->seen, &e->node->medium };
	for (unsigned k = 0; k < 2; k++)
		for (uint64_t i = offset; i < offset + n &&
					  i < images[k]->stored; i++)
			images[k]->bytes[i] ^= x;
	return true;
}
