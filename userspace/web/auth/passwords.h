/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may come in with a password. A right one costs one bcrypt, once; wrong ones are remembered
 * for a while; no password is, but an HMAC of it with a key of this process. Users that do not
 * exist cost what those that do cost.
 */
#pragma once

#include <sys/queue.h>

#include "lib/web_config/settings.h"
#include "web/auth/basic.h"
#include "web/auth/bcrypt.h"

#define PASSWORDS_RIGHT_MAX SETTINGS_USERS_MAX
#define PASSWORDS_WRONG_MAX 64
#define PASSWORDS_WAITERS_MAX 64

enum password_verdict {
	PASSWORD_RIGHT,
	PASSWORD_WRONG,
	PASSWORD_WAIT, /* is being checked: ask again when told */
	PASSWORD_BUSY  /* too many are being checked */
};

/* Put first into what waits. */
struct password_waiter {
	TAILQ_ENTRY(password_waiter) link;
	int job;
	void (*done)(struct password_waiter *waiter);
};
TAILQ_HEAD(password_waiters, password_waiter);

struct password_memory {
	uint8_t macs[PASSWORDS_RIGHT_MAX > PASSWORDS_WRONG_MAX
			     ? PASSWORDS_RIGHT_MAX
			     : PASSWORDS_WRONG_MAX][BCRYPT_MAC_SIZE];
	size_t max, count, next;
};

struct passwords {
	struct bcrypt *bcrypt;
	uint8_t key[32];
	struct password_memory right, wrong;
	struct password_waiters waiters;
	size_t waiter_count;
};

/* With the thread that bcrypt_start made. 0 or -EIO (no randomness). */
int passwords_init(struct passwords *p, struct bcrypt *bcrypt);

/*
 * Judges a user and a password by the settings. PASSWORD_WAIT: `waiter` is in the list until it is
 * told, with the list left, or removed.
 */
enum password_verdict passwords_check(struct passwords *p, const struct settings *settings,
				      const uint8_t peer[static 16], const struct basic *basic,
				      struct password_waiter *waiter);
void passwords_remove(struct passwords *p, struct password_waiter *waiter);

/* When the thread's eventfd told: tells those whose password was checked. */
void passwords_receive(struct passwords *p);

/* Tells everybody. */
void passwords_abandon(struct passwords *p);
