// SPDX-License-Identifier: Apache-2.0
#include "lib/exposition/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/time.h"

char *number_unsigned(char *to, uint64_t value)
{
	char digits[20];
	unsigned int at = sizeof(digits);

	do
		digits[--at] = (char)('0' + value % 10);
	while (value /= 10);
	return mempcpy(to, digits + at, sizeof(digits) - at);
}

char *number_seconds(char *to, uint64_t ns)
{
	uint32_t fraction = ns % NS_PER_S;

	to = number_unsigned(to, ns / NS_PER_S);
	if (!fraction)
		return to;
	*to++ = '.';
	for (uint32_t unit = NS_PER_S / 10; fraction; unit /= 10) {
		*to++ = (char)('0' + fraction / unit);
		fraction %= unit;
	}
	return to;
}

char *number_float(char *to, double value)
{
	char text[NUMBER_MAX];
	int length = 0;

	if (isnan(value))
		return mempcpy(to, "NaN", 3);
	if (isinf(value))
		return mempcpy(to, value > 0 ? "+Inf" : "-Inf", 4);
	if (value >= 0 && value < 9007199254740992.0 && value == (double)(uint64_t)value &&
	    !signbit(value))
		return number_unsigned(to, (uint64_t)value);
	/*
	 * A decimal of 15 digits survives conversion to double and back, so start there: %g drops
	 * zeros.
	 */
	for (int digits = 15; digits <= 17; digits++) {
		length = snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return mempcpy(to, text, (size_t)length);
}
