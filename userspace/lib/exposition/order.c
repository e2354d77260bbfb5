// SPDX-License-Identifier: Apache-2.0
#include "lib/exposition/order.h"

#include <errno.h>
#include <stdlib.h>

/* Counts the samples of each family and says which part it belongs to: the first that has any. */
static size_t families_count(size_t *counts, size_t *owners, const struct snapshot *parts, size_t part_count)
{
	size_t total = 0;

	for (size_t part = 0; part < part_count; part++) {
		for (uint32_t i = 0; i < parts[part].sample_count; i++) {
			unsigned int family = parts[part].samples[i].family;

			if (!counts[family])
				owners[family] = part;
			if (owners[family] != part)
				continue;
			counts[family]++;
			total++;
		}
	}
	return total;
}

int order_fill(struct exposition *e, struct family_starts *s, const struct snapshot *parts, size_t part_count)
{
	size_t next[METRIC_MAX] = { 0 }, owners[METRIC_MAX] = { 0 };
	size_t total = families_count(next, owners, parts, part_count), at = 0;

	if (total > e->order_max) {
		uint64_t *grown = reallocarray(e->order, total, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		e->order = grown;
		e->order_max = total;
	}
	for (unsigned int family = 0; family < METRIC_MAX; family++) {
		s->starts[family] = at;
		at += next[family];
		next[family] = s->starts[family];
	}
	s->starts[METRIC_MAX] = at;
	for (size_t part = 0; part < part_count; part++) {
		for (uint32_t i = 0; i < parts[part].sample_count; i++) {
			unsigned int family = parts[part].samples[i].family;

			if (owners[family] == part)
				e->order[next[family]++] = (uint64_t)part << 32 | i;
		}
	}
	return 0;
}
