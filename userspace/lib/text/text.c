// SPDX-License-Identifier: Apache-2.0
#include "lib/text/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_FIRST 4096

void text_reset(struct text *t)
{
	t->size = 0;
	t->error = 0;
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ 0 };
}

bool text_reserve(struct text *t, size_t more)
{
	size_t wanted = t->max ? t->max : TEXT_FIRST;
	char *grown;

	if (t->error)
		return false;
	if (more <= t->max - t->size)
		return true;
	while (wanted - t->size < more && wanted <= SIZE_MAX / 2)
		wanted *= 2;
	grown = wanted - t->size < more ? NULL : realloc(t->data, wanted);
	if (!grown) {
		t->error = -ENOMEM;
		return false;
	}
	t->data = grown;
	t->max = wanted;
	return true;
}

void text_add(struct text *t, const char *bytes, size_t size)
{
	if (!size || !text_reserve(t, size))
		return;
	memcpy(t->data + t->size, bytes, size);
	t->size += size;
}

void text_printf(struct text *t, const char *format, ...)
{
	char line[1024];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length < sizeof(line)) {
		text_add(t, line, (size_t)length);
		return;
	}
	if (!text_reserve(t, (size_t)length + 1))
		return;
	va_start(args, format);
	vsnprintf(t->data + t->size, (size_t)length + 1, format, args);
	va_end(args);
	t->size += (size_t)length;
}
