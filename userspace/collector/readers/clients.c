// SPDX-License-Identifier: Apache-2.0
/* Requests by client address: personal data, so off by default. */
#include <arpa/inet.h>
#include <string.h>

#include "collector/readers/readers.h"
#include "lib/metrics/metrics.h"

#define SETTLE_ROUNDS 20

static void address_text(const struct client_requests *client, char text[static INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t bytes[16];

	memcpy(bytes, client->address, sizeof(bytes));
	if (!memcmp(bytes, mapped, sizeof(mapped)))
		inet_ntop(AF_INET, bytes + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN);
}

static uint32_t table_used(const struct client_table *table)
{
	return table->used < ABI_CLIENTS_MAX ? table->used : ABI_CLIENTS_MAX;
}

int samples_clients(const struct reading *r)
{
	const struct proxy_counters *c = &r->kernel->counters[r->netns->slot];
	uint32_t labels[2] = { r->name };
	struct client_table table;
	int error = kernel_clients_read(r->kernel, r->netns->slot, &table);

	if (error)
		return error;
	for (uint32_t i = 0; i < table_used(&table); i++) {
		char text[INET6_ADDRSTRLEN];

		address_text(&table.clients[i], text);
		labels[1] = snapshot_string(r->to, text);
		snapshot_add_unsigned(r->to, METRIC_CLIENT_REQUESTS, labels,
				      table.clients[i].requests);
	}
	labels[1] = snapshot_string(r->to, "other");
	snapshot_add_unsigned(r->to, METRIC_CLIENT_REQUESTS, labels, c->requests_unattributed);
	return 0;
}

/*
 * A request in progress is in one of the two sums only, so the smallest difference of several
 * attempts is correct.
 */
void clients_settle(struct kernel *kernel, uint32_t slot)
{
	struct proxy_counters *c = &kernel->counters[slot];
	uint64_t least = UINT64_MAX;

	if (!(kernel->config->collectors & 1u << COLLECTOR_CLIENTS) || !kernel->taken_over)
		return;
	for (int round = 0; round < SETTLE_ROUNDS && least; round++) {
		uint64_t known = __atomic_load_n(&c->requests_unattributed, __ATOMIC_ACQUIRE), all;
		struct client_table table;

		if (kernel_clients_read(kernel, slot, &table))
			return;
		for (uint32_t i = 0; i < table_used(&table); i++)
			known += table.clients[i].requests;
		all = requests_total(c);
		if (all < known) /* inconsistent: they were not counted together */
			return;
		if (all - known < least)
			least = all - known;
	}
	__atomic_fetch_add(&c->requests_unattributed, least, __ATOMIC_RELAXED);
}
