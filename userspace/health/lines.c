// SPDX-License-Identifier: Apache-2.0
#include "health/lines.h"

#include <stdarg.h>
#include <stdio.h>

#define END_SIZE 32 /* of the last line */

void text_line(struct text *text, const char *format, ...)
{
	char *line = text->bytes + text->length;
	size_t room = text->size - text->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = room > END_SIZE ? vsnprintf(line, room - END_SIZE, format, arguments) : -1;
	va_end(arguments);
	if (length < 0 || (size_t)length + 1 >= room - END_SIZE) {
		text->omitted++;
		return;
	}
	for (int i = 0; i < length; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[length] = '\n';
	text->length += (size_t)length + 1;
}

void text_end(struct text *text)
{
	if (text->omitted)
		text->length += (size_t)snprintf(text->bytes + text->length, END_SIZE, "and %u more\n", text->omitted);
}
