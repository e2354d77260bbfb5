// SPDX-License-Identifier: Apache-2.0
#include "bcrypt.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NICE_MOST 19
#define STACK_SIZE (64 * 1024)

static bool password_right(const char *hash, const char *password)
{
	static struct crypt_data data; /* of the one thread; larger than its stack should be */
	const char *made = crypt_rn(password, hash, &data, sizeof(data));
	size_t length = strlen(hash);

	return made && strlen(made) == length && gnutls_memcmp(made, hash, length) == 0;
}

static struct bcrypt_job *job_next(struct bcrypt *b)
{
	struct bcrypt_job *next = NULL;

	for (int i = 0; i < BCRYPT_JOBS; i++) {
		struct bcrypt_job *job = &b->jobs[i];

		if (job->state == BCRYPT_QUEUED && (!next || job->number < next->number))
			next = job;
	}
	return next;
}

static void job_run(struct bcrypt *b, struct bcrypt_job *job)
{
	static const uint64_t one = 1;
	bool right;

	job->state = BCRYPT_RUNNING;
	pthread_mutex_unlock(&b->lock);
	right = password_right(job->hash, job->password);
	explicit_bzero(job->password, sizeof(job->password));
	pthread_mutex_lock(&b->lock);
	job->right = right;
	job->state = BCRYPT_DONE;
	if (write(b->event, &one, sizeof(one)) < 0)
		return; /* the counter is full: it tells already */
}

static void *thread_main(void *closure)
{
	struct bcrypt *b = closure;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE_MOST);
	pthread_mutex_lock(&b->lock);
	b->started = true;
	pthread_cond_broadcast(&b->wanted);
	for (;;) {
		struct bcrypt_job *job = job_next(b);

		if (job)
			job_run(b, job);
		else
			pthread_cond_wait(&b->wanted, &b->lock);
	}
	return NULL;
}

struct bcrypt *bcrypt_start(void)
{
	struct bcrypt *b = calloc(1, sizeof(*b));
	pthread_attr_t attributes;
	int err;

	if (!b)
		return NULL;
	b->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->event < 0) {
		free(b);
		return NULL;
	}
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wanted, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&b->thread, &attributes, thread_main, b);
	pthread_attr_destroy(&attributes);
	if (!err) {
		/* The C library's part of its beginning takes system calls that its process may soon lack. */
		pthread_mutex_lock(&b->lock);
		while (!b->started)
			pthread_cond_wait(&b->wanted, &b->lock);
		pthread_mutex_unlock(&b->lock);
		return b;
	}
	close(b->event);
	free(b);
	errno = err;
	return NULL;
}

static int job_place(struct bcrypt *b, const uint8_t *peer, const uint8_t *mac)
{
	int free_one = -EBUSY, of_peer = 0;

	for (int i = 0; i < BCRYPT_JOBS; i++) {
		const struct bcrypt_job *job = &b->jobs[i];

		if (job->state == BCRYPT_FREE)
			free_one = i;
		else if (!memcmp(job->mac, mac, BCRYPT_MAC_SIZE))
			return i;
		else
			of_peer += !memcmp(job->peer, peer, sizeof(job->peer));
	}
	return of_peer < BCRYPT_JOBS_PEER ? free_one : -EBUSY;
}

int bcrypt_queue(struct bcrypt *b, const uint8_t peer[static 16], const uint8_t mac[static BCRYPT_MAC_SIZE],
		 const char *hash, const char *password)
{
	int index;

	pthread_mutex_lock(&b->lock);
	index = job_place(b, peer, mac);
	if (index >= 0 && b->jobs[index].state == BCRYPT_FREE) {
		struct bcrypt_job *job = &b->jobs[index];

		memcpy(job->peer, peer, sizeof(job->peer));
		memcpy(job->mac, mac, sizeof(job->mac));
		memcpy(job->hash, hash, strnlen(hash, sizeof(job->hash) - 1) + 1);
		job->hash[sizeof(job->hash) - 1] = '\0';
		memcpy(job->password, password, strnlen(password, sizeof(job->password) - 1) + 1);
		job->password[sizeof(job->password) - 1] = '\0';
		job->number = b->numbers++;
		job->state = BCRYPT_QUEUED;
		pthread_cond_signal(&b->wanted);
	}
	pthread_mutex_unlock(&b->lock);
	return index;
}

bool bcrypt_take(struct bcrypt *b, int *index, uint8_t mac[static BCRYPT_MAC_SIZE], bool *right)
{
	bool found = false;

	pthread_mutex_lock(&b->lock);
	for (int i = 0; i < BCRYPT_JOBS && !found; i++) {
		struct bcrypt_job *job = &b->jobs[i];

		if (job->state != BCRYPT_DONE)
			continue;
		*index = i;
		*right = job->right;
		memcpy(mac, job->mac, BCRYPT_MAC_SIZE);
		explicit_bzero(job, sizeof(*job));
		found = true;
	}
	pthread_mutex_unlock(&b->lock);
	return found;
}
