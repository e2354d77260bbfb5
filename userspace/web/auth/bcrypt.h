/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that checks passwords against bcrypt hashes, one after another. It has a low priority,
 * because a check takes tens of milliseconds and must not delay scrapes. The queue is bounded.
 */
#pragma once

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/auth/basic.h"

#define BCRYPT_JOBS 32	    /* jobs that wait or run */
#define BCRYPT_JOBS_PEER 4  /* of these, jobs of one client */
#define BCRYPT_HASH_SIZE 64 /* with the NUL */
#define BCRYPT_MAC_SIZE 32

enum bcrypt_state { BCRYPT_FREE, BCRYPT_QUEUED, BCRYPT_DONE };

/* A queued job belongs to the thread, any other to the caller. */
struct bcrypt_job {
	_Atomic int state;
	uint64_t number; /* order of arrival */
	uint8_t peer[16];
	uint8_t mac[BCRYPT_MAC_SIZE]; /* set by the caller: identifies user and password */
	char hash[BCRYPT_HASH_SIZE], password[BASIC_PASSWORD_SIZE];
	bool right;
};

/* No lock: the low-priority thread could hold it for long, and delay scrapes. */
struct bcrypt {
	sem_t queued, started;
	int event; /* an eventfd, readable when a job is done */
	uint64_t numbers;
	struct bcrypt_job jobs[BCRYPT_JOBS];
};

/*
 * Starts the thread, with the rights and the signal mask of the caller. It runs until the process
 * ends. Returns NULL with errno set on errors.
 */
struct bcrypt *bcrypt_start(void);

/*
 * Queues a check. Returns the index of the job, or -EBUSY if too many jobs wait, in total or of
 * this peer. A job with the same mac is reused.
 */
int bcrypt_queue(struct bcrypt *b, const uint8_t peer[static 16],
		 const uint8_t mac[static BCRYPT_MAC_SIZE], const char *hash, const char *password);

/*
 * Takes a job that is done: its mac, and whether the password was right. Its index is then free.
 * Returns false if no job is done.
 */
bool bcrypt_take(struct bcrypt *b, int *index, uint8_t mac[static BCRYPT_MAC_SIZE], bool *right);
