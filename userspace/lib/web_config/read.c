// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- http_server_config ---- */

static const char *header_name(size_t index)
{
	return settings_header_name((enum settings_header)index);
}

/* What could end the header and begin another is no value of one. */
static bool header_valid(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

static int header_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	const char *value;
	size_t i = 0;
	int err = yaml_string(y, &value, NULL);

	while (i < HEADER_MAX && strcmp(key, header_name(i)) != 0)
		i++;
	if (i == HEADER_MAX)
		return yaml_refuse(y, "the header %.60s cannot be set", key);
	if (err)
		return err;
	if (!header_valid(value))
		return yaml_refuse(y, "a control character in the header %s", key);
	if (i == HEADER_CONTENT_TYPE && *value && strcmp(value, "nosniff") != 0)
		return yaml_refuse(y, "%s can only be nosniff", key);
	if (i == HEADER_FRAME && *value && strcmp(value, "deny") != 0 && strcmp(value, "sameorigin") != 0)
		return yaml_refuse(y, "%s can only be deny or sameorigin", key);
	return yaml_copy(y, &s->headers[i]);
}

static int http_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	bool http2 = false;
	int err;

	if (!strcmp(key, "headers"))
		return yaml_mapping(y, header_read, s);
	if (strcmp(key, "http2") != 0)
		return yaml_refuse(y, "http_server_config: unknown key %.60s", key);
	err = yaml_bool(y, &http2);
	if (http2)
		s->notes[s->note_count++] = "http2: HTTP/1.1 is all that is spoken here";
	return err;
}

/* ---- the other sections ---- */

static int user_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	struct settings_user *user = &s->users[s->user_count];
	const char *hash;
	int err = yaml_string(y, &hash, NULL);

	if (err)
		return err;
	if (strchr(key, ':'))
		return yaml_refuse(y, "the user %.60s: no name that a client could send has a colon", key);
	if (!settings_bcrypt(hash, NULL))
		return yaml_refuse(y, "the user %.60s: no hash of bcrypt", key);
	user->name = strdup(key);
	user->hash = strdup(hash);
	s->user_count++;
	return user->name && user->hash ? 0 : yaml_refuse(y, "out of memory");
}

static int rate_read(struct yaml *y, void *closure, const char *key)
{
	struct settings *s = closure;
	const char *value;
	char *end;
	unsigned long burst;
	int err = yaml_string(y, &value, NULL);

	if (err)
		return err;
	if (!strcmp(key, "interval"))
		return !*value || !settings_duration(value, &s->rate_interval_ns)
			       ? 0
			       : yaml_refuse(y, "rate_limit: %.40s is no duration (as 1s)", value);
	if (strcmp(key, "burst") != 0)
		return yaml_refuse(y, "rate_limit: unknown key %.60s", key);
	if (!*value)
		return 0;
	errno = 0;
	burst = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || burst > 1000000000)
		return yaml_refuse(y, "rate_limit: %.40s is no number of requests", value);
	s->rate_burst = (uint32_t)burst;
	return 0;
}

static int section_read(struct yaml *y, void *closure, const char *key)
{
	if (!strcmp(key, "tls_server_config"))
		return yaml_mapping(y, settings_read_tls, closure);
	if (!strcmp(key, "http_server_config"))
		return yaml_mapping(y, http_read, closure);
	if (!strcmp(key, "basic_auth_users"))
		return yaml_mapping(y, user_read, closure);
	if (!strcmp(key, "rate_limit"))
		return yaml_mapping(y, rate_read, closure);
	return yaml_refuse(y, "unknown key %.60s", key);
}

int settings_read(struct yaml *y, struct settings *s)
{
	return yaml_mapping(y, section_read, s);
}
