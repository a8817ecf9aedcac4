/*
 * Pools of threads for what may block, and mutexes; see thread.h. A pool's
 * threads take jobs in the order of their submission.
 */
#include "os/thread.h"

#include <stdio.h>
#include <stdlib.h>

#include "os/os_private.h"

enum { POOL_THREADS_MAX = 256 };

struct os_pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct os_job *first, **end;	/* *end is NULL */
	bool closing;
	unsigned threads;
	char name[OS_NAME_MAX];
	pthread_t pthreads[];
};

/* The next job; NULL when the pool closes and none is left. */
static struct os_job *take_job(struct os_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->closing)
		pthread_cond_wait(&pool->more, &pool->lock);
	struct os_job *job = pool->first;
	if (job != NULL) {
		pool->first = job->next;
		if (pool->first == NULL)
			pool->end = &pool->first;
		job->next = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void *run_jobs(void *arg)
{
	struct os_pool *pool = arg;
	os_thread_name(pool->name);
	for (struct os_job *job; (job = take_job(pool)) != NULL; ) {
		job->work(job);
		os_thread_post(job->home, &job->done);
	}
	return NULL;
}

bool os_pool_open(struct os_pool **out, const char *name, unsigned threads,
		  struct err *err)
{
	*out = NULL;
	invariant(threads > 0 && threads <= POOL_THREADS_MAX);
	struct os_pool *pool =
		calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
	if (pool == NULL)
		return err_set_memory(err, "os_pool_open");
	pool->end = &pool->first;
	snprintf(pool->name, sizeof(pool->name), "%s", name);
	/* With default attributes these two can't fail on Linux. */
	invariant(pthread_mutex_init(&pool->lock, NULL) == 0);
	invariant(pthread_cond_init(&pool->more, NULL) == 0);
	for (; pool->threads < threads; pool->threads++)
		if (!os_pthread_start(&pool->pthreads[pool->threads],
				      run_jobs, pool, err)) {
			os_pool_close(&pool);
			return false;
		}
	*out = pool;
	return true;
}

void os_pool_close(struct os_pool **pp)
{
	struct os_pool *pool = *pp;
	*pp = NULL;
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		invariant(pthread_join(pool->pthreads[i], NULL) == 0);
	invariant(pool->first == NULL);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void os_pool_submit(struct os_pool *pool, struct os_job *job,
		    void (*work)(struct os_job *),
		    void (*done)(struct os_post *))
{
	os_post_init(&job->done, done);
	job->home = os_thread_self();
	job->work = work;
	job->next = NULL;
	invariant(job->home != NULL && work != NULL);
	pthread_mutex_lock(&pool->lock);
	invariant(!pool->closing);
	*pool->end = job;
	pool->end = &job->next;
	pthread_cond_signal(&pool->more);
	pthread_mutex_unlock(&pool->lock);
}

/* --- mutexes -------------------------------------------------------------- */

struct os_mutex {
	pthread_mutex_t m;
};

bool os_mutex_new(struct os_mutex **out, struct err *err)
{
	*out = malloc(sizeof(**out));
	if (*out == NULL)
		return err_set_memory(err, "os_mutex_new");
	invariant(pthread_mutex_init(&(*out)->m, NULL) == 0);
	return true;
}

void os_mutex_free(struct os_mutex **m)
{
	if (*m != NULL)
		invariant(pthread_mutex_destroy(&(*m)->m) == 0);
	free(*m);
	*m = NULL;
}

void os_mutex_lock(struct os_mutex *m)
{
	invariant(pthread_mutex_lock(&m->m) == 0);
}

void os_mutex_unlock(struct os_mutex *m)
{
	invariant(pthread_mutex_unlock(&m->m) == 0);
}
