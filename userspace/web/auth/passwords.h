/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks passwords. A right password needs one bcrypt, once; recent wrong ones are remembered too.
 * The memory holds no passwords, only HMACs with a random key of this process. Unknown users take
 * as much time as known ones.
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
	PASSWORD_WAIT, /* being checked: call again after `done` */
	PASSWORD_BUSY  /* too many checks at once */
};

/* Must be the first member of the caller's struct. */
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

/* Uses the thread of bcrypt_start. Returns 0, or -EIO if there is no random key. */
int passwords_init(struct passwords *p, struct bcrypt *bcrypt);

/*
 * Checks user and password by the settings. After PASSWORD_WAIT, `waiter` is in the list until its
 * `done` is called or it is removed.
 */
enum password_verdict passwords_check(struct passwords *p, const struct settings *settings,
				      const uint8_t peer[static 16], const struct basic *basic,
				      struct password_waiter *waiter);
void passwords_remove(struct passwords *p, struct password_waiter *waiter);

/* Call when the eventfd of the thread is readable: calls the waiters of finished checks. */
void passwords_receive(struct passwords *p);

/* Calls all waiters, before the process ends. */
void passwords_abandon(struct passwords *p);
