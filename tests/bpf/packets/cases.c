// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"

static char about[256], failure[1024];

void check_about(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(about, sizeof(about), format, arguments);
	va_end(arguments);
}

void check_failed(const char *format, ...)
{
	char text[512];
	va_list arguments;

	if (failure[0])
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(failure, sizeof(failure), "%s%s%s", about, about[0] ? ": " : "", text);
}

bool check_is_failed(void)
{
	return failure[0];
}

int cases_run(const struct test_case *const *lists, size_t count, const char *title, int argc,
	      char **argv)
{
	const char *only = argc > 1 ? argv[1] : "";
	struct kernel kernel;
	bool good = true;
	int error;

	if (geteuid() != 0) {
		printf("skip %s: needs root\n", title);
		return 0;
	}
	error = kernel_open(&kernel);
	if (error) {
		printf("not ok %s: the programs do not load: %s\n", title, strerror(-error));
		return 1;
	}
	for (size_t i = 0; i < count; i++) {
		for (const struct test_case *test = lists[i]; test->name; test++) {
			if (!strstr(test->name, only))
				continue;
			failure[0] = about[0] = '\0';
			kernel_reset(&kernel);
			test->run(&kernel);
			if (check_is_failed())
				printf("not ok %s/%s: %s\n", title, test->name, failure);
			else
				printf("ok %s/%s\n", title, test->name);
			fflush(stdout);
			good &= !check_is_failed();
		}
	}
	kernel_close(&kernel);
	return good ? 0 : 1;
}
