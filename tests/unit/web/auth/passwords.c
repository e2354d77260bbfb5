// SPDX-License-Identifier: Apache-2.0
#include "web/auth/passwords.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

/* Of "secret", at the lowest cost. */
#define SECRET "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

static struct settings *settings;
static struct passwords passwords;
static uint8_t peer[16];
static int told;

static void tell(struct password_waiter *waiter)
{
	told++;
}

static void init(void)
{
	char why[SETTINGS_WHY];
	static const char text[] = "basic_auth_users: {alice: " SECRET ", bob: " SECRET "}\n";

	settings = settings_parse(text, strlen(text), why);
	cr_assert(settings, "%s", why);
	cr_assert_eq(passwords_init(&passwords, bcrypt_start()), 0);
}

static void fini(void)
{
	settings_free(settings);
}

TestSuite(passwords, .init = init, .fini = fini);

static enum password_verdict check_as(uint8_t address, const char *user, const char *password,
				      struct password_waiter *waiter)
{
	struct basic basic = { 0 };

	peer[0] = address;
	strcpy(basic.user, user);
	strcpy(basic.password, password);
	waiter->done = tell;
	return passwords_check(&passwords, settings, peer, &basic, waiter);
}

static void wait_told(int count)
{
	struct pollfd event = { .fd = passwords.bcrypt->event, .events = POLLIN };

	while (told < count && poll(&event, 1, 20000) > 0)
		passwords_receive(&passwords);
	cr_assert_eq(told, count);
}

Test(passwords, right_is_remembered)
{
	struct password_waiter waiter;

	cr_assert_eq(settings->user_count, 2);
	cr_expect_eq(check_as(1, "alice", "secret", &waiter), PASSWORD_WAIT);
	wait_told(1);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(check_as(1, "alice", "secret", &waiter), PASSWORD_RIGHT);
	cr_expect_eq(check_as(1, "bob", "secret", &waiter), PASSWORD_WAIT,
		     "another user of the same hash");
	wait_told(2);
	cr_expect_eq(passwords.right.count, 2);
}

Test(passwords, wrong_is_remembered_and_bounded)
{
	struct password_waiter waiter;
	char word[16];

	for (int i = 0; i < PASSWORDS_WRONG_MAX + 10; i++) {
		snprintf(word, sizeof(word), "wrong%d", i);
		cr_expect_eq(check_as(1, i % 2 ? "alice" : "nobody", word, &waiter), PASSWORD_WAIT);
		wait_told(i + 1);
		cr_expect_eq(check_as(1, i % 2 ? "alice" : "nobody", word, &waiter),
			     PASSWORD_WRONG);
	}
	cr_expect_eq(passwords.wrong.count, PASSWORDS_WRONG_MAX);
	cr_expect_eq(passwords.right.count, 0);
}

Test(passwords, few_of_one_peer)
{
	struct password_waiter waiters[BCRYPT_JOBS + 1];
	char word[16];
	int waiting = 0;

	/* The thread removes some meanwhile, never more than were added. */
	for (int i = 0; i < 20; i++) {
		snprintf(word, sizeof(word), "w%d", i);
		waiting += check_as(1, "alice", word, &waiters[waiting]) == PASSWORD_WAIT;
		cr_assert_leq(waiting, BCRYPT_JOBS);
	}
	cr_expect_geq(waiting, BCRYPT_JOBS_PEER);
	cr_expect_eq(check_as(2, "alice", "from elsewhere", &waiters[waiting]), PASSWORD_WAIT);
	wait_told(waiting + 1);
}

Test(passwords, another_hash_another_memory)
{
	static const char other[] = "basic_auth_users: {bob: " SECRET "}\n";
	struct password_waiter waiter;
	char why[SETTINGS_WHY];

	cr_expect_eq(check_as(1, "alice", "secret", &waiter), PASSWORD_WAIT);
	wait_told(1);
	cr_expect_eq(check_as(1, "alice", "secret", &waiter), PASSWORD_RIGHT);
	settings_free(settings);
	settings = settings_parse(other, strlen(other), why);
	cr_assert(settings, "%s", why);
	cr_expect_eq(check_as(1, "alice", "secret", &waiter), PASSWORD_WAIT, "she is gone");
	wait_told(2);
	cr_expect_eq(check_as(1, "alice", "secret", &waiter), PASSWORD_WRONG);
}

Test(passwords, everybody_is_told_at_the_end)
{
	struct password_waiter waiters[2];

	cr_expect_eq(check_as(1, "alice", "x", &waiters[0]), PASSWORD_WAIT);
	cr_expect_eq(check_as(1, "alice", "x", &waiters[1]), PASSWORD_WAIT, "the same job");
	passwords_remove(&passwords, &waiters[0]);
	passwords_abandon(&passwords);
	cr_expect_eq(told, 1);
	cr_expect_eq(passwords.waiter_count, 0);
}
