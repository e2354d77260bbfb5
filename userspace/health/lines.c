// SPDX-License-Identifier: Apache-2.0
#include "health/lines.h"

#include <stdarg.h>
#include <stdio.h>

#define END_SIZE 32 /* bytes reserved for the last line, "and N more" */

void lines_add(struct lines *lines, const char *format, ...)
{
	char *line = lines->bytes + lines->length;
	size_t room = lines->size - lines->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = room > END_SIZE ? vsnprintf(line, room - END_SIZE, format, arguments) : -1;
	va_end(arguments);
	if (length < 0 || (size_t)length + 1 >= room - END_SIZE) {
		lines->omitted++;
		return;
	}
	for (int i = 0; i < length; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	}
	line[length] = '\n';
	lines->length += (size_t)length + 1;
}

void lines_end(struct lines *lines)
{
	if (lines->omitted)
		lines->length += (size_t)snprintf(lines->bytes + lines->length, END_SIZE,
						  "and %u more\n", lines->omitted);
}
