// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/destinations.h"
#include "collector/kernel/destination_country.h"

#include <errno.h>

#include "collector/readers/readers.h"
#include "lib/cleanup.h"
#include "lib/metrics/metrics.h"

static void add(const struct reading *r, unsigned int receive, const char *label,
		const __u64 bytes[])
{
	uint32_t labels[] = { r->name, snapshot_string(r->to, label) };

	snapshot_add_unsigned(r->to, receive, labels, bytes[ABI_RECEIVE]);
	snapshot_add_unsigned(r->to, receive + 1, labels, bytes[ABI_TRANSMIT]);
}

_Static_assert(METRIC_DESTINATION_TRANSMIT == METRIC_DESTINATION_RECEIVE + 1 &&
		       METRIC_COUNTRY_TRANSMIT == METRIC_COUNTRY_RECEIVE + 1,
	       "the directions are adjacent");

static const struct destination_table *destination_table_of(const struct reading *r)
{
	return r->kernel->destinations ? &r->kernel->destinations[r->netns->slot] : NULL;
}

int samples_destinations(const struct reading *r)
{
	const struct destination_table *table = destination_table_of(r);
	_cleanup_free_ __u64(*sums)[ABI_DIRECTION_MAX] =
		calloc(table && table->count ? table->count : 1, sizeof(*sums));
	__u64 other[ABI_DIRECTION_MAX];
	int e = destinations_other(r->kernel, r->netns, other);

	if (e || !table || !sums)
		return e ?: -ENOMEM;
	for (uint32_t i = 0; i < table->count; i++) {
		const struct destination_entry *entry = &table->entries[i];

		for (int d = 0; d < ABI_DIRECTION_MAX; d++) {
			const __u64 *bytes = &ABI_AT(__u64, destination_of(table, entry)->bytes, d);

			sums[entry->series][d] += __atomic_load_n(bytes, __ATOMIC_RELAXED);
		}
	}
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->entries[i].series == i)
			add(r, METRIC_DESTINATION_RECEIVE, table->entries[i].label, sums[i]);
	}
	add(r, METRIC_DESTINATION_RECEIVE, DESTINATION_OTHER, other);
	return 0;
}

int samples_geoip(const struct reading *r)
{
	static struct country_sums sums;
	__u64 other[ABI_DIRECTION_MAX];
	int e = destinations_other(r->kernel, r->netns, other);

	if (!r->destinations->geoip.loaded)
		return r->destinations->geoip.error ?: -ENODATA;
	if (e || !r->kernel->destinations)
		return e ?: -ENODATA;
	country_sums_read(destination_table_of(r), other, &sums);
	for (unsigned int i = 0; i < sums.count; i++)
		add(r, METRIC_COUNTRY_RECEIVE, sums.sums[i].code, sums.sums[i].bytes);
	return 0;
}
