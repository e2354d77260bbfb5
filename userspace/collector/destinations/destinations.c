// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/destinations.h"

#include <stdlib.h>
#include <string.h>

#include "collector/destinations/promotion.h"
#include "collector/kernel/destination_country.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"

void destinations_init(struct destinations *d, const struct config *config, struct kernel *kernel)
{
	*d = (struct destinations){ .config = config, .kernel = kernel };
	d->geoip.path = config->geoip_database;
	if (config->collectors & 1u << COLLECTOR_DESTINATIONS)
		d->learned = calloc(config->proxies_max, sizeof(*d->learned));
}

int destinations_on_answer(void *destinations, void *data, size_t size)
{
	struct destinations *d = destinations;
	const struct answer *answer = data;

	if (d->learned && size >= sizeof(*answer) && answer->slot < d->config->proxies_max)
		names_message(&d->learned[answer->slot].names, answer, size);
	return 0;
}

void destinations_forget(struct destinations *d, uint32_t slot)
{
	if (!d->learned)
		return;
	names_free(&d->learned[slot].names);
	d->learned[slot] = (struct destination_learned){};
}

int destinations_other(const struct kernel *kernel, const struct proxy_netns *netns,
		       __u64 other[ABI_DIRECTION_MAX])
{
	memcpy(other, &netns->map_entry.retired_other, sizeof(netns->map_entry.retired_other));
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		struct tunnel_counters counters;
		int r = kernel_tunnel_read(kernel, netns->slot * ABI_TUNNELS_MAX + tunnel_index,
					   &counters);

		if (r)
			return r;
		for (int i = 0; i < ABI_DIRECTION_MAX; i++)
			other[i] += ABI_AT(__u64, counters.other, i);
	}
	return 0;
}

/* Reads all bytes so far: each packet counts for one destination or for the rest. */
static int total_read(const struct kernel *kernel, const struct proxy_netns *netns, uint64_t *total)
{
	const struct destination_table *table = &kernel->destinations[netns->slot];
	__u64 other[ABI_DIRECTION_MAX];
	int r = destinations_other(kernel, netns, other);

	*total = 0;
	for (int i = 0; !r && i < ABI_DIRECTION_MAX; i++) {
		*total += other[i];
		for (uint32_t e = 0; e < table->count; e++)
			*total +=
				ABI_AT(__u64, destination_of(table, &table->entries[e])->bytes, i);
	}
	return r;
}

static const char *label_of(void *context, const __u64 address[2])
{
	const struct destination_learned *learned = context;

	return names_find(learned->names, address);
}

static void promote(struct destinations *d, const struct proxy_netns *netns)
{
	struct destination_table *table = &d->kernel->destinations[netns->slot];
	struct destination_learned *learned = &d->learned[netns->slot];
	uint32_t before = table->count;
	uint64_t total;

	if (table->count == table->max || total_read(d->kernel, netns, &total))
		return;
	promotion_run(table, total, label_of, learned);
	if (table->count == table->max && before < table->max)
		log_info("no destination series left, further destinations count as other",
			 field_text("proxy", netns->name),
			 field_text("setting", "--destinations.max"),
			 field_unsigned("limit", table->max));
	if (table->unplaced && !learned->unplaced)
		log_warn("too many destinations with the same hash, one counts as other",
			 field_text("proxy", netns->name));
	learned->unplaced = table->unplaced != 0;
}

static void locate(struct destinations *d, struct destination_table *table)
{
	for (uint32_t i = 0; d->geoip.loaded && i < table->count; i++) {
		struct destination_entry *entry = &table->entries[i];
		char code[ABI_COUNTRY_SIZE];

		if (entry->country[0] && !d->relocate)
			continue;
		geoip_country(&d->geoip.database, ABI_HALVES(entry->address), code);
		country_set(table, entry, code);
	}
}

static bool geoip_is_on(const struct destinations *d)
{
	return d->config->collectors & 1u << COLLECTOR_GEOIP;
}

void destinations_refresh(struct destinations *d, uint64_t now_ns)
{
	d->relocate = d->kernel->destinations && geoip_is_on(d) && geoip_refresh(&d->geoip, now_ns);
}

void destinations_tick(struct destinations *d, const struct proxy_netns *netns)
{
	if (!d->kernel->destinations || !d->learned || !netns->started)
		return;
	promote(d, netns);
	if (geoip_is_on(d))
		locate(d, &d->kernel->destinations[netns->slot]);
}

void destinations_close(struct destinations *d)
{
	geoip_close(&d->geoip);
	for (uint32_t slot = 0; d->learned && slot < d->config->proxies_max; slot++)
		names_free(&d->learned[slot].names);
	free_pointer(&d->learned);
}
