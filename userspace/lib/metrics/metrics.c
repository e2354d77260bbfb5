// SPDX-License-Identifier: Apache-2.0
#include "lib/metrics/metrics.h"

#include <errno.h>
#include <string.h>

#include "lib/metrics/tunnel.h"
#include <wgsocks/abi.h>

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

static size_t name_width(void)
{
	size_t width = 0;

	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		size_t length = strlen(metric_family(i)->name);

		if (length > width)
			width = length;
	}
	return width;
}

int metrics_help_write(FILE *f)
{
	int width = (int)name_width();

	fprintf(f, "%-*s  %-9s  %-7s  %s\n", width, "NAME", "TYPE", "UNIT", "LABELS");
	for (unsigned int i = 0; i < METRIC_MAX; i++) {
		const struct metric_family *family = metric_family(i);

		fprintf(f, "%-*s  %-9s  %-7s  ", width, family->name,
			metric_type_name(family->type), *family->unit ? family->unit : "-");
		for (unsigned int l = 0; l < family->label_count; l++)
			fprintf(f, "%s%s", l ? "," : "", family->labels[l]);
		fprintf(f, "%s\n    %s\n", family->label_count ? "" : "-", family->help);
	}
	return fflush(f) || ferror(f) ? -EIO : 0;
}

/* The values of the closed label sets, from their tables (wgsocks/abi_labels.h, tunnel.h). */
#define WORD_(id, word) #word,
#define WORDS(function, set)                                                         \
	const char *function(unsigned int value)                                     \
	{                                                                            \
		static const char *const words[] = { set(WORD_) };                   \
                                                                                     \
		return value < sizeof(words) / sizeof(*words) ? words[value] : NULL; \
	}

WORDS(metric_command, ABI_COMMANDS)
WORDS(metric_failure, ABI_FAILURES)
WORDS(metric_upstream_failure, ABI_UPSTREAM_FAILURES)
WORDS(metric_side, ABI_SIDES)
WORDS(metric_loss, ABI_LOSSES)
WORDS(metric_outcome, ABI_OUTCOMES)
WORDS(metric_network_family, ABI_FAMILIES)
WORDS(metric_protocol, ABI_PROTOCOLS)
WORDS(metric_path, ABI_PATHS)
WORDS(metric_dns_type, ABI_DNS_TYPES)
WORDS(metric_dns_rcode, ABI_DNS_RCODES)
WORDS(metric_handshake, ABI_HANDSHAKES)
WORDS(metric_tunnel_state, TUNNEL_STATES)
