// SPDX-License-Identifier: Apache-2.0
#include "lib/metrics/metrics.h"

#define LABELS(...) __VA_ARGS__
#define LABEL_LIST_(...) ((const char *const[]){ __VA_ARGS__ })
#define FAMILY_(id, name_, type_, unit_, labels_, help_)                      \
	[METRIC_##id] = {                                                     \
		.name = name_,                                                \
		.type = METRIC_##type_,                                       \
		.unit = unit_,                                                \
		.help = help_,                                                \
		.label_count = sizeof(LABEL_LIST_(labels_)) / sizeof(char *), \
		.labels = { labels_ },                                        \
	},

static const struct metric_family families[METRIC_MAX] = { METRIC_FAMILIES(FAMILY_) };

const struct metric_family *metric_family(unsigned int metric)
{
	return metric < METRIC_MAX ? &families[metric] : NULL;
}

const char *metric_type_name(enum metric_type type)
{
	switch (type) {
	case METRIC_GAUGE: return "gauge";
	case METRIC_COUNTER: return "counter";
	case METRIC_HISTOGRAM: return "histogram";
	}
	return "untyped";
}
