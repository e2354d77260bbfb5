// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/web_config/check.h"
#include "lib/web_config/read.h"
#include "lib/web_config/yaml.h"

static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (int i = 0; i < PEM_MAX; i++) {
		secret_free(s->text[i]);
		free(s->file[i]);
	}
	for (size_t i = 0; i < s->san_count; i++)
		free(s->sans[i]);
	for (int i = 0; i < HEADER_MAX; i++)
		free(s->headers[i]);
	for (size_t i = 0; i < s->user_count; i++) {
		free(s->users[i].name);
		secret_free(s->users[i].hash);
	}
	free(s);
}

static void settings_drop(struct settings **s)
{
	settings_free(*s);
}

static int document_read(struct settings *s, const char *bytes, size_t size, char *why)
{
	struct yaml y;
	bool empty;
	int err = yaml_open(&y, bytes, size, &empty, why, SETTINGS_WHY);

	if (!err && !empty) {
		err = settings_read(&y, s);
		if (!err)
			err = yaml_end(&y);
	}
	yaml_close(&y);
	return err;
}

struct settings *settings_parse(const char *bytes, size_t size, char why[static SETTINGS_WHY])
{
	_cleanup_(settings_drop) struct settings *s = calloc(1, sizeof(*s));

	*why = '\0';
	if (!s) {
		snprintf(why, SETTINGS_WHY, "out of memory");
		return NULL;
	}
	if (size > SETTINGS_SIZE_MAX) {
		snprintf(why, SETTINGS_WHY, "larger than %d KiB", SETTINGS_SIZE_MAX / 1024);
		return NULL;
	}
	if (document_read(s, bytes, size, why) || settings_check(s, why))
		return NULL;
	return TAKE_PTR(s);
}
