// SPDX-License-Identifier: Apache-2.0
#include "web/auth/passwords.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Salt and hash, after version and cost, for unknown users: no password matches. */
#define DECOY "wgsocksexporterdecoy.unobodyhasthispasswordatalltoday"

int passwords_init(struct passwords *p, struct bcrypt *bcrypt)
{
	p->bcrypt = bcrypt;
	p->right.max = PASSWORDS_RIGHT_MAX;
	p->wrong.max = PASSWORDS_WRONG_MAX;
	TAILQ_INIT(&p->waiters);
	return gnutls_rnd(GNUTLS_RND_KEY, p->key, sizeof(p->key)) < 0 ? -EIO : 0;
}

/* Compares all entries, so that the time reveals nothing. */
static bool memory_has(const struct password_memory *memory, const uint8_t *mac)
{
	bool found = false;

	for (size_t i = 0; i < memory->count; i++)
		found |= gnutls_memcmp(memory->macs[i], mac, BCRYPT_MAC_SIZE) == 0;
	return found;
}

static void memory_add(struct password_memory *memory, const uint8_t *mac)
{
	memcpy(memory->macs[memory->next], mac, BCRYPT_MAC_SIZE);
	memory->next = (memory->next + 1) % memory->max;
	if (memory->count < memory->max)
		memory->count++;
}

static const struct settings_user *user_find(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->user_count; i++)
		if (!strcmp(s->users[i].name, name))
			return &s->users[i];
	return NULL;
}

static void decoy_make(const struct settings *s, char hash[static BCRYPT_HASH_SIZE])
{
	unsigned int most = 4, cost;

	for (size_t i = 0; i < s->user_count; i++)
		if (settings_bcrypt(s->users[i].hash, &cost) && cost > most)
			most = cost;
	snprintf(hash, BCRYPT_HASH_SIZE, "$2b$%02u$" DECOY, most % 100);
}

/* The HMAC of user, hash and password, with their NULs, so that the boundaries are part of it. */
static int mac_make(const struct passwords *p, const struct basic *basic, const char *hash,
		    uint8_t *mac)
{
	gnutls_hmac_hd_t hmac;

	if (gnutls_hmac_init(&hmac, GNUTLS_MAC_SHA256, p->key, sizeof(p->key)) < 0)
		return -ENOMEM;
	gnutls_hmac(hmac, basic->user, strlen(basic->user) + 1);
	gnutls_hmac(hmac, hash, strlen(hash) + 1);
	gnutls_hmac(hmac, basic->password, strlen(basic->password) + 1);
	gnutls_hmac_deinit(hmac, mac);
	return 0;
}

enum password_verdict passwords_check(struct passwords *p, const struct settings *settings,
				      const uint8_t peer[static 16], const struct basic *basic,
				      struct password_waiter *waiter)
{
	const struct settings_user *user = user_find(settings, basic->user);
	char decoy[BCRYPT_HASH_SIZE];
	uint8_t mac[BCRYPT_MAC_SIZE];
	const char *hash = user ? user->hash : decoy;

	decoy_make(settings, decoy);
	if (mac_make(p, basic, hash, mac))
		return PASSWORD_BUSY;
	if (user && memory_has(&p->right, mac))
		return PASSWORD_RIGHT;
	if (memory_has(&p->wrong, mac))
		return PASSWORD_WRONG;
	if (p->waiter_count >= PASSWORDS_WAITERS_MAX)
		return PASSWORD_BUSY;
	waiter->job = bcrypt_queue(p->bcrypt, peer, mac, hash, basic->password);
	if (waiter->job < 0)
		return PASSWORD_BUSY;
	TAILQ_INSERT_TAIL(&p->waiters, waiter, link);
	p->waiter_count++;
	return PASSWORD_WAIT;
}

void passwords_remove(struct passwords *p, struct password_waiter *waiter)
{
	TAILQ_REMOVE(&p->waiters, waiter, link);
	p->waiter_count--;
}

/* Calls the waiters of a job; `job` < 0: all. */
static void waiters_tell(struct passwords *p, int job)
{
	struct password_waiter *waiter = TAILQ_FIRST(&p->waiters);

	while (waiter) {
		struct password_waiter *next = TAILQ_NEXT(waiter, link);

		if (job < 0 || waiter->job == job) {
			passwords_remove(p, waiter);
			waiter->done(waiter);
		}
		waiter = next;
	}
}

void passwords_receive(struct passwords *p)
{
	uint8_t mac[BCRYPT_MAC_SIZE];
	uint64_t count;
	bool right;
	int job;

	if (read(p->bcrypt->event, &count, sizeof(count)) < 0)
		return;
	while (bcrypt_take(p->bcrypt, &job, mac, &right)) {
		memory_add(right ? &p->right : &p->wrong, mac);
		waiters_tell(p, job);
	}
}

void passwords_abandon(struct passwords *p)
{
	waiters_tell(p, -1);
}
