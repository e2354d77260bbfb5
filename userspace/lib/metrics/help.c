// SPDX-License-Identifier: Apache-2.0
#include "lib/metrics/metrics.h"

#include <errno.h>
#include <string.h>

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

		fprintf(f, "%-*s  %-9s  %-7s  ", width, family->name, metric_type_name(family->type),
			*family->unit ? family->unit : "-");
		for (unsigned int l = 0; l < family->label_count; l++)
			fprintf(f, "%s%s", l ? "," : "", family->labels[l]);
		fprintf(f, "%s\n    %s\n", family->label_count ? "" : "-", family->help);
	}
	return fflush(f) || ferror(f) ? -EIO : 0;
}
