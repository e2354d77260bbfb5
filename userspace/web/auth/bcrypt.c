// SPDX-License-Identifier: Apache-2.0
#include "web/auth/bcrypt.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Lower than scrapes, but high enough that a busy host does not delay a password for seconds. */
#define NICE 10
#define STACK_SIZE (64 * 1024)

static bool password_right(const char *hash, const char *password)
{
	static struct crypt_data data; /* for the one thread; too large for its stack */
	const char *made = crypt_rn(password, hash, &data, sizeof(data));
	size_t length = strlen(hash);

	return made && strlen(made) == length && gnutls_memcmp(made, hash, length) == 0;
}

static int job_state(const struct bcrypt_job *job)
{
	return atomic_load_explicit(&job->state, memory_order_acquire);
}

static struct bcrypt_job *job_next(struct bcrypt *b)
{
	struct bcrypt_job *next = NULL;

	for (int i = 0; i < BCRYPT_JOBS; i++) {
		struct bcrypt_job *job = &b->jobs[i];

		if (job_state(job) == BCRYPT_QUEUED && (!next || job->number < next->number))
			next = job;
	}
	return next;
}

static void job_run(struct bcrypt *b, struct bcrypt_job *job)
{
	static const uint64_t one = 1;

	job->right = password_right(job->hash, job->password);
	explicit_bzero(job->password, sizeof(job->password));
	atomic_store_explicit(&job->state, BCRYPT_DONE, memory_order_release);
	if (write(b->event, &one, sizeof(one)) < 0)
		return; /* the counter is full: the event is pending already */
}

static void *thread_main(void *closure)
{
	struct bcrypt *b = closure;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	sem_post(&b->started);
	for (;;) {
		struct bcrypt_job *job = sem_wait(&b->queued) == 0 ? job_next(b) : NULL;

		if (job)
			job_run(b, job);
	}
	return NULL;
}

struct bcrypt *bcrypt_start(void)
{
	struct bcrypt *b = calloc(1, sizeof(*b));
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	if (!b)
		return NULL;
	b->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->event < 0) {
		free(b);
		return NULL;
	}
	sem_init(&b->queued, 0, 0);
	sem_init(&b->started, 0, 0);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attributes, thread_main, b);
	pthread_attr_destroy(&attributes);
	if (!r) {
		/*
		 * Wait: the start of a thread needs system calls that the filter will forbid.
		 */
		while (sem_wait(&b->started) < 0)
			;
		return b;
	}
	close(b->event);
	free(b);
	errno = r;
	return NULL;
}

/* The index of the job with the same mac, else of a free one, else -EBUSY. */
static int job_find(const struct bcrypt *b, const uint8_t *peer, const uint8_t *mac)
{
	int found = -EBUSY, of_peer = 0;

	for (int i = 0; i < BCRYPT_JOBS; i++) {
		const struct bcrypt_job *job = &b->jobs[i];

		if (job_state(job) == BCRYPT_FREE)
			found = i;
		else if (!memcmp(job->mac, mac, BCRYPT_MAC_SIZE))
			return i;
		else
			of_peer += !memcmp(job->peer, peer, sizeof(job->peer));
	}
	return of_peer < BCRYPT_JOBS_PEER ? found : -EBUSY;
}

static void string_copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size - 1);

	memcpy(to, from, length);
	to[length] = '\0';
}

int bcrypt_queue(struct bcrypt *b, const uint8_t peer[static 16],
		 const uint8_t mac[static BCRYPT_MAC_SIZE], const char *hash, const char *password)
{
	int index = job_find(b, peer, mac);
	struct bcrypt_job *job;

	if (index < 0 || job_state(&b->jobs[index]) != BCRYPT_FREE)
		return index;
	job = &b->jobs[index];
	memcpy(job->peer, peer, sizeof(job->peer));
	memcpy(job->mac, mac, sizeof(job->mac));
	string_copy(job->hash, sizeof(job->hash), hash);
	string_copy(job->password, sizeof(job->password), password);
	job->number = b->numbers++;
	atomic_store_explicit(&job->state, BCRYPT_QUEUED, memory_order_release);
	sem_post(&b->queued);
	return index;
}

bool bcrypt_take(struct bcrypt *b, int *index, uint8_t mac[static BCRYPT_MAC_SIZE], bool *right)
{
	for (int i = 0; i < BCRYPT_JOBS; i++) {
		struct bcrypt_job *job = &b->jobs[i];

		if (job_state(job) != BCRYPT_DONE)
			continue;
		*index = i;
		*right = job->right;
		memcpy(mac, job->mac, BCRYPT_MAC_SIZE);
		atomic_store_explicit(&job->state, BCRYPT_FREE, memory_order_release);
		return true;
	}
	return false;
}
