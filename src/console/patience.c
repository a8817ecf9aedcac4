/* See patience.h. */
#include "console/patience.h"

#include <stdlib.h>

#include "base/list.h"
#include "os/clock.h"
#include "os/thread.h"

struct patient {
	struct list node;
	int fd;
	int64_t since_ns;		/* OS_NEVER: nothing is waited for */
};

struct patience {
	struct os_mutex *lock;
	struct list patients;
	int64_t look_ns;
};

bool patience_new(struct patience **out, struct err *err)
{
	struct patience *p = calloc(1, sizeof(*p));
	*out = p;
	if (p == NULL)
		return err_set_memory(err, "patience_new");
	list_init(&p->patients);
	return os_mutex_new(&p->lock, err);
}

void patience_free(struct patience **patience)
{
	struct patience *p = *patience;
	if (p == NULL)
		return;
	invariant(list_empty(&p->patients));
	if (p->lock != NULL)
		os_mutex_free(&p->lock);
	free(p);
	*patience = NULL;
}

struct patient *patience_begin(struct patience *p, int fd, int64_t now_ns)
{
	struct patient *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->fd = fd;
	c->since_ns = now_ns;
	list_init(&c->node);
	os_mutex_lock(p->lock);
	list_prepend(&p->patients, &c->node);
	os_mutex_unlock(p->lock);
	return c;
}

static void set_since(struct patience *p, struct patient *c, int64_t since_ns)
{
	if (c == NULL)
		return;
	os_mutex_lock(p->lock);
	c->since_ns = since_ns;
	os_mutex_unlock(p->lock);
}

void patience_whole(struct patience *p, struct patient *c)
{
	set_since(p, c, OS_NEVER);
}

void patience_again(struct patience *p, struct patient *c, int64_t now_ns)
{
	set_since(p, c, now_ns);
}

void patience_end(struct patience *p, struct patient **patient)
{
	struct patient *c = *patient;
	if (c == NULL)
		return;
	os_mutex_lock(p->lock);
	list_remove(&c->node);
	os_mutex_unlock(p->lock);
	free(c);
	*patient = NULL;
}

int64_t patience_turn(struct patience *p, int64_t now_ns, void (*stop)(int fd))
{
	const int64_t most = (int64_t)PATIENCE_MS * MS;
	if (now_ns < p->look_ns)
		return p->look_ns;
	p->look_ns = now_ns + (int64_t)PATIENCE_LOOK_MS * MS;
	os_mutex_lock(p->lock);
	list_each(&p->patients, node, after) {
		struct patient *c = CONTAINER_OF(node, struct patient, node);
		if (c->since_ns > now_ns - most)
			continue;
		c->since_ns = OS_NEVER;
		stop(c->fd);
	}
	os_mutex_unlock(p->lock);
	return p->look_ns;
}
