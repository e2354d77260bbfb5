// SPDX-License-Identifier: Apache-2.0
/* The table keeps its order through all insertions and removals; compared with a plain list. */
#include "health/clients.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct clients clients;

static void setup(void)
{
	memset(&clients, 0xa5, sizeof(clients));
	clients_init(&clients);
}

TestSuite(clients, .init = setup);

Test(clients, empty)
{
	cr_expect_null(client_oldest(&clients));
}

Test(clients, full)
{
	for (int i = 0; i < CLIENTS_MAX; i++)
		cr_assert_not_null(client_add(&clients, i, (uint64_t)i));
	cr_expect_null(client_add(&clients, 9999, 0));
	cr_expect_eq(client_oldest(&clients)->fd, 0);
	client_remove(&clients, client_oldest(&clients));
	cr_expect_eq(client_oldest(&clients)->fd, 1);
	cr_assert_not_null(client_add(&clients, 9999, 9999));
	cr_expect_null(client_add(&clients, 10000, 0));
}

Test(clients, begin_anew)
{
	struct client *client = client_add(&clients, 3, 0);

	client->begun = client->answered = true;
	client_remove(&clients, client);
	client = client_add(&clients, 4, 0);
	cr_expect_not(client->begun);
	cr_expect_not(client->answered);
}

Test(clients, have_requests_of_their_own)
{
	struct client *a = client_add(&clients, 3, 0), *b = client_add(&clients, 4, 0);

	cr_expect_neq(client_request(&clients, a), client_request(&clients, b));
	cr_expect_eq(client_index(&clients, b), b - clients.table);
}

Test(clients, stay_in_order_of_age)
{
	static struct client *order[CLIENTS_MAX];
	int count = 0, next_fd = 0;

	srand(1);
	for (int round = 0; round < 100000; round++) {
		if (count < CLIENTS_MAX && rand() % 16 < (round / 5000 % 2 ? 4 : 12)) {
			order[count] = client_add(&clients, next_fd++, 0);
			cr_assert_not_null(order[count++]);
		} else if (count) {
			int at = rand() % 2 ? 0 : rand() % count;

			client_remove(&clients, order[at]);
			memmove(&order[at], &order[at + 1],
				(size_t)(--count - at) * sizeof(*order));
		}
		cr_assert_eq(clients.count, count);
		cr_assert_eq(client_oldest(&clients), count ? order[0] : NULL);
	}
	for (int i = 0; i < count; i++) {
		cr_assert_eq(client_oldest(&clients), order[i]);
		client_remove(&clients, order[i]);
	}
	cr_expect_null(client_oldest(&clients));
}
