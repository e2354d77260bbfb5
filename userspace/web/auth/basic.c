// SPDX-License-Identifier: Apache-2.0
#include "web/auth/basic.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define DECODED_MAX (BASIC_USER_SIZE + BASIC_PASSWORD_SIZE)

/* The value of a base64 digit, 0 … 63; -1: not a digit. */
static int digit_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Decodes base64 with padding. Returns the length, or -EINVAL. */
static int base64_decode(char *out, size_t max, const char *text)
{
	size_t length = strlen(text), size = 0, padding = 0;

	if (!length || length % 4 || length / 4 * 3 > max)
		return -EINVAL;
	while (padding < 2 && text[length - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < length; i += 4) {
		uint32_t group = 0;

		for (size_t j = i; j < i + 4; j++) {
			int value = j >= length - padding ? 0 : digit_value(text[j]);

			if (value < 0)
				return -EINVAL;
			group = group << 6 | (uint32_t)value;
		}
		out[size++] = (char)(group >> 16);
		out[size++] = (char)(group >> 8);
		out[size++] = (char)group;
	}
	return (int)(size - padding);
}

int basic_parse(struct basic *basic, const char *header)
{
	char decoded[DECODED_MAX + 3], *colon;
	size_t user, password;
	int length, r = -EINVAL;

	if (strncasecmp(header, "Basic ", 6) != 0)
		return -EINVAL;
	length = base64_decode(decoded, sizeof(decoded) - 1, header + 6 + strspn(header + 6, " "));
	if (length < 0)
		return -EINVAL;
	decoded[length] = '\0';
	colon = strchr(decoded, ':');
	user = colon ? (size_t)(colon - decoded) : 0;
	password = colon ? (size_t)length - user - 1 : 0;
	/* Refuse a NUL: it would hide the rest from comparisons. */
	if (colon && user < BASIC_USER_SIZE && password < BASIC_PASSWORD_SIZE &&
	    strlen(decoded) == (size_t)length) {
		memcpy(basic->user, decoded, user);
		basic->user[user] = '\0';
		memcpy(basic->password, colon + 1, password + 1);
		r = 0;
	}
	explicit_bzero(decoded, sizeof(decoded));
	return r;
}
