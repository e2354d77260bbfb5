// SPDX-License-Identifier: Apache-2.0
#include "destinations.h"

#include <string.h>

#include "country.h"
#include "promotion.h"
#include "wgsocks/log.h"

void destinations_init(struct destinations *d, const struct config *config, struct kernel *kernel,
		       const struct watch *watch)
{
	*d = (struct destinations){ .config = config, .kernel = kernel, .watch = watch };
	d->geoip.path = config->geoip_database;
}

int destinations_on_answer(void *destinations, void *data, size_t size)
{
	struct destinations *d = destinations;
	const struct answer *answer = data;

	if (size >= sizeof(*answer) && answer->slot == d->watch->slot)
		names_message(&d->names, answer, size);
	return 0;
}

int destinations_other(const struct kernel *kernel, const struct watch *watch, __u64 other[ABI_DIRECTION_MAX])
{
	memcpy(other, &watch->entry.retired_other, sizeof(watch->entry.retired_other));
	for (unsigned int place = 0; place < ABI_TUNNELS_MAX; place++) {
		struct tunnel_counters counters;
		int r = kernel_tunnel_read(kernel, watch->slot * ABI_TUNNELS_MAX + place, &counters);

		if (r)
			return r;
		for (int i = 0; i < ABI_DIRECTION_MAX; i++)
			other[i] += ABI_AT(__u64, counters.other, i);
	}
	return 0;
}

/* All bytes so far: a packet is either a destination's or the others'. */
static int total_read(const struct destinations *d, uint64_t *total)
{
	const struct destination_table *table = &d->kernel->destinations;
	__u64 other[ABI_DIRECTION_MAX];
	int r = destinations_other(d->kernel, d->watch, other);

	*total = 0;
	for (int i = 0; !r && i < ABI_DIRECTION_MAX; i++) {
		*total += other[i];
		for (uint32_t e = 0; e < table->count; e++)
			*total += ABI_AT(__u64, destination_of(table, &table->entries[e])->bytes, i);
	}
	return r;
}

static const char *label_of(void *context, const __u64 address[2])
{
	const struct destinations *d = context;

	return names_find(d->names, address);
}

static void promote(struct destinations *d)
{
	struct destination_table *table = &d->kernel->destinations;
	uint32_t before = table->count;
	uint64_t total;

	if (table->count == table->max || total_read(d, &total))
		return;
	promotion_run(table, total, label_of, d);
	if (table->count == table->max && before < table->max)
		log_info("proxy %s: %u destinations have series of their own: the rest stays in `other` "
			 "(--destinations.max)",
			 d->watch->name, table->max);
	if (table->unplaced && !d->unplaced)
		log_warn("proxy %s: too many destinations with the same hash: one stays in `other`", d->watch->name);
	d->unplaced = table->unplaced != 0;
}

static void locate(struct destinations *d, uint64_t now_ns)
{
	struct destination_table *table = &d->kernel->destinations;
	bool another = geoip_refresh(&d->geoip, now_ns);

	for (uint32_t i = 0; d->geoip.loaded && i < table->count; i++) {
		struct destination_entry *entry = &table->entries[i];
		char code[ABI_COUNTRY_SIZE];

		if (entry->country[0] && !another)
			continue;
		geoip_country(&d->geoip.database, ABI_HALVES(entry->address), code);
		country_set(table, entry, code);
	}
}

void destinations_tick(struct destinations *d, uint64_t now_ns)
{
	if (!d->kernel->destinations.buckets)
		return;
	promote(d);
	if (d->config->collectors & 1u << COLLECTOR_GEOIP)
		locate(d, now_ns);
}

void destinations_close(struct destinations *d)
{
	geoip_close(&d->geoip);
	names_free(&d->names);
}
