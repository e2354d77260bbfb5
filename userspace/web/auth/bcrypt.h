/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that checks passwords against hashes of bcrypt, which takes tens of milliseconds each
 * and must not hold up a scrape: one after the other, at a low priority, and only so many may wait.
 */
#pragma once

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "web/auth/basic.h"

#define BCRYPT_JOBS 32	    /* that are waiting or being checked */
#define BCRYPT_JOBS_PEER 4  /* of one client */
#define BCRYPT_HASH_SIZE 64 /* with its NUL */
#define BCRYPT_MAC_SIZE 32

enum bcrypt_state { BCRYPT_FREE, BCRYPT_QUEUED, BCRYPT_DONE };

/* Whose it is tells its state: the thread's while it is queued, else the owner's. */
struct bcrypt_job {
	_Atomic int state;
	uint64_t number; /* order of arrival */
	uint8_t peer[16];
	uint8_t mac[BCRYPT_MAC_SIZE]; /* the owner's: which user and password */
	char hash[BCRYPT_HASH_SIZE], password[BASIC_PASSWORD_SIZE];
	bool right;
};

/* Without a lock: the thread may not run for a while, and who serves scrapes would wait for it. */
struct bcrypt {
	sem_t queued, started;
	int event; /* an eventfd: a job is done */
	uint64_t numbers;
	struct bcrypt_job jobs[BCRYPT_JOBS];
};

/*
 * Starts the thread, with the rights and the signal mask of its caller. NULL with errno set. It
 * lives as long as the process.
 */
struct bcrypt *bcrypt_start(void);

/*
 * Queues a check. Returns the job's index, or -EBUSY when too many wait: in all, or of this peer.
 * Jobs of the same mac are one.
 */
int bcrypt_queue(struct bcrypt *b, const uint8_t peer[static 16],
		 const uint8_t mac[static BCRYPT_MAC_SIZE], const char *hash, const char *password);

/*
 * Takes a job that is done: its mac and whether the password was right. False: none is. `index` is
 * free again.
 */
bool bcrypt_take(struct bcrypt *b, int *index, uint8_t mac[static BCRYPT_MAC_SIZE], bool *right);
