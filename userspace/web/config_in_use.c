// SPDX-License-Identifier: Apache-2.0
#include "web/config_in_use.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/web_config/bundle.h"

static SLIST_HEAD(, active) unused = SLIST_HEAD_INITIALIZER(unused);

static void active_free(struct active *active)
{
	tls_close(active->tls);
	settings_free(active->settings);
	free(active);
}

/* It was judged good a moment ago: what fails now is for want of memory, or as the clock has gone on. */
static int active_fill(struct active *active, const struct bundle *bundle, char why[static SETTINGS_WHY])
{
	struct pem pems[PEM_MAX];
	struct settings *s;

	if (!bundle->data[BUNDLE_CONFIG]) {
		snprintf(why, SETTINGS_WHY, "it is not there");
		return -1;
	}
	s = settings_parse(bundle->data[BUNDLE_CONFIG], bundle->size[BUNDLE_CONFIG], why);
	if (!s)
		return -1;
	active->settings = s;
	for (int i = 0; i < PEM_MAX; i++)
		pems[i] = s->text[i] ? (struct pem){ s->text[i], strlen(s->text[i]) }
				     : (struct pem){ bundle->data[BUNDLE_PEM + i], bundle->size[BUNDLE_PEM + i] };
	if (!settings_tls(s))
		return 0;
	/* A certificate that has expired since is served all the same: without it there would be nothing. */
	active->tls = tls_open(s, pems, 0, why);
	return active->tls ? 0 : -1;
}

struct active *active_load(int fd, uint64_t sequence, char why[static SETTINGS_WHY])
{
	_cleanup_(bundle_free) struct bundle bundle;
	struct active *active = NULL;
	int err = bundle_read(fd, sequence, &bundle);

	if (!err)
		active = calloc(1, sizeof(*active));
	if (!active) {
		snprintf(why, SETTINGS_WHY, "%s", err ? strerror(-err) : "out of memory");
		return NULL;
	}
	active->users = 1;
	if (!active_fill(active, &bundle, why))
		return active;
	active_free(active);
	return NULL;
}

struct active *active_use(struct active *active)
{
	if (active)
		active->users++;
	return active;
}

void active_release(struct active *active)
{
	if (active && !--active->users)
		SLIST_INSERT_HEAD(&unused, active, link);
}

void active_sweep(void)
{
	struct active *active;

	while ((active = SLIST_FIRST(&unused))) {
		SLIST_REMOVE_HEAD(&unused, link);
		active_free(active);
	}
}
