// SPDX-License-Identifier: Apache-2.0
#include "web/web_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/cleanup.h"
#include "lib/web_config/bundle.h"

static SLIST_HEAD(, web_config) unused = SLIST_HEAD_INITIALIZER(unused);

static void web_config_free(struct web_config *config)
{
	tls_close(config->tls);
	settings_free(config->settings);
	free(config);
}

/*
 * The bundle was validated before: an error here is almost always a lack of memory.
 */
static int web_config_fill(struct web_config *config, const struct bundle *bundle,
			   char why[static SETTINGS_WHY])
{
	struct pem pems[PEM_MAX];
	struct settings *s;

	if (!bundle->data[BUNDLE_CONFIG]) {
		snprintf(why, SETTINGS_WHY, "no file received");
		return -1;
	}
	s = settings_parse(bundle->data[BUNDLE_CONFIG], bundle->size[BUNDLE_CONFIG], why);
	if (!s)
		return -1;
	config->settings = s;
	for (int i = 0; i < PEM_MAX; i++)
		pems[i] = s->text[i] ? (struct pem){ s->text[i], strlen(s->text[i]) }
				     : (struct pem){ bundle->data[BUNDLE_PEM + i],
						     bundle->size[BUNDLE_PEM + i] };
	if (!settings_tls(s))
		return 0;
	/*
	 * 0: accept a certificate that has expired since the validation. Without it, nothing would
	 * be served.
	 */
	config->tls = tls_open(s, pems, 0, why);
	return config->tls ? 0 : -1;
}

struct web_config *web_config_load(int fd, uint64_t sequence, char why[static SETTINGS_WHY])
{
	_cleanup_(bundle_free) struct bundle bundle;
	struct web_config *config = NULL;
	int r = bundle_read(fd, sequence, &bundle);

	if (!r)
		config = calloc(1, sizeof(*config));
	if (!config) {
		snprintf(why, SETTINGS_WHY, "%s", r ? strerror(-r) : "out of memory");
		return NULL;
	}
	config->users = 1;
	if (!web_config_fill(config, &bundle, why))
		return config;
	web_config_free(config);
	return NULL;
}

struct web_config *web_config_use(struct web_config *config)
{
	if (config)
		config->users++;
	return config;
}

void web_config_release(struct web_config *config)
{
	if (config && !--config->users)
		SLIST_INSERT_HEAD(&unused, config, link);
}

void web_config_sweep(void)
{
	struct web_config *config;

	while ((config = SLIST_FIRST(&unused))) {
		SLIST_REMOVE_HEAD(&unused, link);
		web_config_free(config);
	}
}
