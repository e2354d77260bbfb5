// SPDX-License-Identifier: Apache-2.0
#include "web/page/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void html_escape_bytes(struct text *out, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		switch (bytes[i]) {
		case '&': text_puts(out, "&amp;"); break;
		case '<': text_puts(out, "&lt;"); break;
		case '>': text_puts(out, "&gt;"); break;
		case '"': text_puts(out, "&quot;"); break;
		case '\'': text_puts(out, "&#39;"); break;
		default: text_add(out, &bytes[i], 1);
		}
	}
}

void html_escape(struct text *out, const char *string)
{
	html_escape_bytes(out, string, strlen(string));
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-_.~", c);
}

void html_query(struct text *out, const char *string)
{
	for (; *string; string++) {
		if (is_plain(*string))
			text_add(out, string, 1);
		else
			text_printf(out, "%%%02X", (unsigned char)*string);
	}
}

void html_count(struct text *out, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text_puts(out, ",");
		text_add(out, &digits[i], 1);
	}
}

void html_number(struct text *out, double number)
{
	if (!isfinite(number) || number >= 1e18 || number <= -1e18)
		text_puts(out, "?");
	else if (number < 0 || number >= 99.95)
		html_count(out, number < 0 ? 0 : (uint64_t)(number + 0.5));
	else
		text_printf(out, "%.3g", number);
}

void html_bytes(struct text *out, double bytes)
{
	static const char *const units[] = { " B", " kB", " MB", " GB", " TB", " PB", " EB" };
	unsigned int unit = 0;

	while (bytes >= 999.5 && unit < sizeof(units) / sizeof(*units) - 1) {
		bytes /= 1000;
		unit++;
	}
	html_number(out, bytes);
	text_puts(out, units[unit]);
}

void html_duration(struct text *out, uint64_t seconds)
{
	if (seconds < 120)
		text_printf(out, "%" PRIu64 " s", seconds);
	else if (seconds < 120 * 60)
		text_printf(out, "%" PRIu64 " min", seconds / 60);
	else if (seconds < 48 * 3600)
		text_printf(out, "%" PRIu64 " h", seconds / 3600);
	else
		text_printf(out, "%" PRIu64 " d", seconds / 86400);
}

void html_count_data(struct text *out, uint64_t count)
{
	text_printf(out, "<data value=%" PRIu64 ">", count);
	html_count(out, count);
	text_puts(out, "</data>");
}

void html_bytes_data(struct text *out, uint64_t bytes)
{
	text_printf(out, "<data value=%" PRIu64 ">", bytes);
	html_bytes(out, (double)bytes);
	text_puts(out, "</data>");
}
