// SPDX-License-Identifier: Apache-2.0
/*
 * Requests by client address: the first fifty clients, the sum of all others, and the exact total.
 */
#include <pthread.h>
#include <string.h>

#include "talk.h"

#define REQUEST "\5\1\0\5\1\0\1\1\2\3\4\0\120"
#define RACE_HOSTS 60

static void ask(struct kernel *kernel, const struct talk_way *way, uint8_t host, const char *bytes,
		size_t length)
{
	struct client_table table = kernel_clients_of(kernel);
	struct proxy_counters kept = *kernel->counters;
	struct talk talk;

	talk_begin(&talk, kernel, way); /* which begins at 0 */
	*kernel->counters = kept;
	kernel_clients_set(kernel, &table);
	talk.client_host = host;
	talk_open(&talk);
	talk_say(&talk, CLIENT, bytes, length);
	talk_end(&talk);
}

#define ASK(kernel, way, host, text) ask(kernel, way, host, text, sizeof(text) - 1)

/* Requests of this address, 0 when it has no entry; a second entry is a failure. */
static uint64_t requests_of(const struct client_table *table, int version, uint8_t host)
{
	uint64_t requests = 0;
	uint8_t address[16];
	int entries = 0;

	frame_address(address, version, host);
	for (uint32_t i = 0; i < table->used && i < ABI_CLIENTS_MAX; i++)
		if (!memcmp(table->clients[i].address, address, 16)) {
			requests = table->clients[i].requests;
			entries++;
		}
	check(entries <= 1, "host %u has %d entries", host, entries);
	return requests;
}

static void check_sum(const struct kernel *kernel)
{
	const struct proxy_counters *c = kernel->counters;
	struct client_table table = kernel_clients_of(kernel);
	uint64_t by_client = c->requests_unattributed, requests = 0;

	check(table.used <= ABI_CLIENTS_MAX, "%u entries", table.used);
	for (uint32_t i = 0; i < table.used && i < ABI_CLIENTS_MAX; i++)
		by_client += table.clients[i].requests;
	for (int i = 0; i < ABI_COMMAND_MAX; i++)
		requests += ABI_AT(__u64, c->requests, i);
	check(by_client == requests, "%llu requests by client, %llu in all",
	      (unsigned long long)by_client, (unsigned long long)requests);
}

static void each_way(struct kernel *kernel)
{
	struct client_table table;

	for (int i = 0; i < TALK_WAYS; i++) {
		check_about("%s", talk_ways[i].name);
		for (int n = 0; n <= i; n++)
			ASK(kernel, &talk_ways[i], (uint8_t)(100 + i), REQUEST);
		table = kernel_clients_of(kernel);
		check(requests_of(&table, talk_ways[i].shape.version, (uint8_t)(100 + i)) ==
			      (uint64_t)i + 1,
		      "another number of requests");
		check_sum(kernel);
	}
	check(table.used == TALK_WAYS, "%u entries", table.used);
	check(kernel->counters->requests_unattributed == 0, "some have no entry");
}

static void what_is_no_request(struct kernel *kernel)
{
	ASK(kernel, &talk_ways[0], 1, "\5\1\0");
	ASK(kernel, &talk_ways[0], 2, "GET / HTTP/1.1\r\n");
	check(kernel_clients_of(kernel).used == 0, "an entry without a request");
	check_sum(kernel);
}

static void more_than_fifty(struct kernel *kernel)
{
	struct client_table table;

	for (int round = 1; round <= 3; round++) {
		for (int host = 1; host <= 200; host++)
			ASK(kernel, &talk_ways[0], (uint8_t)host, REQUEST);
		table = kernel_clients_of(kernel);
		for (int host = 1; host <= 200; host++)
			check(requests_of(&table, 4, (uint8_t)host) ==
				      (host <= ABI_CLIENTS_MAX ? (uint64_t)round : 0),
			      "host %d in round %d", host, round);
		check(table.used == ABI_CLIENTS_MAX, "%u entries", table.used);
		check(kernel->counters->requests_unattributed == 150u * (uint64_t)round, "other");
		check_sum(kernel);
	}
}

/*
 * Both threads ask for the same addresses in another order; ports differ, so that no session is
 * shared.
 */
struct racer {
	struct kernel *kernel;
	int number;
	int *arrived;
};

static void segment_send(struct racer *racer, uint8_t host)
{
	struct talk talk = { .kernel = racer->kernel,
			     .way = talk_ways[0],
			     .client_port = (uint16_t)(10000 + racer->number * 1000 + host),
			     .server_port = PORT,
			     .client_host = host,
			     .isn = { 1000, 2000 },
			     .socket = 0xffff888100000000u + ((uint64_t)racer->number << 20) +
				       host * 64u };

	talk_open(&talk);
	TALK(&talk, CLIENT, REQUEST);
	talk_end(&talk);
}

static void *race(void *argument)
{
	struct racer *racer = argument;

	__atomic_fetch_add(racer->arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(racer->arrived, __ATOMIC_SEQ_CST) < 2)
		;
	for (int i = 0; i < RACE_HOSTS; i++)
		segment_send(racer, (uint8_t)(racer->number ? RACE_HOSTS - i : i + 1));
	return NULL;
}

static void two_at_once(struct kernel *kernel)
{
	static const struct client_table none;

	for (int round = 0; round < 40 && !check_is_failed(); round++) {
		int arrived = 0;
		struct racer racers[2] = { { kernel, 0, &arrived }, { kernel, 1, &arrived } };
		struct client_table table;
		pthread_t other;

		memset(kernel->counters, 0, sizeof(*kernel->counters));
		kernel_clients_set(kernel, &none);
		if (!check(pthread_create(&other, NULL, race, &racers[1]) == 0, "no thread"))
			return;
		race(&racers[0]);
		pthread_join(other, NULL);
		table = kernel_clients_of(kernel);
		check(table.used == ABI_CLIENTS_MAX, "%u entries", table.used);
		check(kernel->counters->requests.connect == 2 * RACE_HOSTS, "%llu requests",
		      (unsigned long long)kernel->counters->requests.connect);
		for (int host = 1; host <= RACE_HOSTS; host++)
			check(requests_of(&table, 4, (uint8_t)host) <= 2,
			      "host %d has more than it asked", host);
		check_sum(kernel);
	}
}

const struct test_case client_cases[] = {
	{ "clients/each way", each_way },
	{ "clients/what is no request", what_is_no_request },
	{ "clients/more than fifty", more_than_fifty },
	{ "clients/two at once", two_at_once },
	{ NULL },
};
