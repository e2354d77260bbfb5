// SPDX-License-Identifier: Apache-2.0
#include "health/target.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int percent_decode(const char *text, size_t length, bool form, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		char c = form && text[i] == '+' ? ' ' : text[i];

		if (c == '%') {
			int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
			int low = high < 0 ? -1 : hex_value(text[i + 2]);

			if (low < 0 || (high == 0 && low == 0))
				return -EINVAL;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (n + 1 >= size)
			return -ENAMETOOLONG;
		out[n++] = c;
	}
	out[n] = '\0';
	return (int)n;
}

static int path_parse(struct target *target, const char *text, size_t length)
{
	static const struct {
		const char *path;
		enum target_path is;
	} paths[] = {
		{ "/", TARGET_ROOT },
		{ "/livez", TARGET_LIVEZ },
		{ "/healthz", TARGET_HEALTHZ },
		{ "/readyz", TARGET_READYZ },
		{ "/startupz", TARGET_STARTUPZ },
	};
	char path[16]; /* longer than all known paths */
	int r = percent_decode(text, length, false, path, sizeof(path));

	target->path = TARGET_UNKNOWN;
	if (r == -ENAMETOOLONG)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (strcmp(path, paths[i].path) == 0)
			target->path = paths[i].is;
	}
	return 0;
}

static int parameter_parse(struct target *target, const char *text, size_t length)
{
	static const char key[] = "proxy=";
	size_t name = strcspn(text, "=&#");
	int r;

	if (name == strlen("verbose") && strncmp(text, "verbose", name) == 0)
		target->verbose = true;
	if (length < strlen(key) || strncmp(text, key, strlen(key)) != 0 || target->proxy_given)
		return 0;
	target->proxy_given = true;
	r = percent_decode(text + strlen(key), length - strlen(key), true, target->proxy,
			   sizeof(target->proxy));
	if (r == -ENAMETOOLONG)
		target->proxy[0] = '\0';
	return r == -EINVAL ? r : 0;
}

int target_parse(struct target *target, const char *text)
{
	size_t length;
	int r;

	target->verbose = target->proxy_given = false;
	target->proxy[0] = '\0';
	/* RFC 9112 3.2.2: a server accepts the absolute form too. */
	if (strncasecmp(text, "http://", 7) == 0) {
		text += 7 + strcspn(text + 7, "/?");
		if (*text != '/')
			return path_parse(target, "/", 1);
	}
	if (*text != '/')
		return -EINVAL;
	length = strcspn(text, "?#");
	r = path_parse(target, text, length);
	text += length;
	while (r == 0 && (*text == '?' || *text == '&')) {
		length = strcspn(++text, "&#");
		r = parameter_parse(target, text, length);
		text += length;
	}
	return r;
}
