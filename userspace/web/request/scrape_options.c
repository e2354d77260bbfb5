// SPDX-License-Identifier: Apache-2.0
#include "web/request/scrape_options.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/config.h"
#include "lib/time.h"

#define SHOWN_MAX 40 /* characters of a refused name that the error shows */

static bool equals(const char *bytes, size_t size, const char *text)
{
	return size == strlen(text) && !memcmp(bytes, text, size);
}

/* Sets `why`. In the name, all but printable ASCII becomes a question mark. */
static int refuse(struct collect *collect, const char *what, const char *name, size_t size)
{
	char shown[SHOWN_MAX + 1];
	size_t length = size < SHOWN_MAX ? size : SHOWN_MAX;

	for (size_t i = 0; i < length; i++)
		shown[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
	shown[length] = '\0';
	snprintf(collect->why, sizeof(collect->why), "%s: \"%s%s\"\n", what, shown,
		 length < size ? "..." : "");
	return -EINVAL;
}

int collect_argument(struct collect *collect, const char *key, size_t key_size, const char *value,
		     size_t value_size)
{
	bool excludes = equals(key, key_size, "exclude[]");
	unsigned int i = 0;

	if (!excludes && !equals(key, key_size, "collect[]"))
		return 0;
	if (!value) {
		value = "";
		value_size = 0;
	}
	while (i < COLLECTOR_MAX && !equals(value, value_size, config_collector_name(i)))
		i++;
	if (i == COLLECTOR_MAX)
		return refuse(collect, "unknown collector", value, value_size);
	if (!excludes && !(collect->on & 1u << i))
		return refuse(collect, "collector is disabled", value, value_size);
	if (excludes)
		collect->excluded |= 1u << i;
	else
		collect->wanted |= 1u << i;
	if (collect->wanted && collect->excluded) {
		snprintf(collect->why, sizeof(collect->why),
			 "collect[] and exclude[] cannot be combined\n");
		return -EINVAL;
	}
	return 0;
}

uint32_t collect_mask(const struct collect *collect)
{
	return collect->wanted ? collect->wanted : collect->on & ~collect->excluded;
}

#define TIMEOUT_DEFAULT 10.0
#define TIMEOUT_MAX 300.0
#define MARGIN_MAX 0.5
#define MARGIN_SHARE 0.05

uint64_t scrape_timeout_ns(const char *seconds)
{
	double timeout = TIMEOUT_DEFAULT, margin;
	char *end;

	if (seconds && *seconds) {
		double value = strtod(seconds, &end);

		if (!*end && isfinite(value) && value > 0)
			timeout = value < TIMEOUT_MAX ? value : TIMEOUT_MAX;
	}
	margin = timeout * MARGIN_SHARE;
	return (uint64_t)((timeout - (margin < MARGIN_MAX ? margin : MARGIN_MAX)) * NS_PER_S);
}
