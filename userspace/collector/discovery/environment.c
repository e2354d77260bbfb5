// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "collector/discovery/naming.h"
#include "lib/cleanup.h"

#define PIECE_SIZE 16384
/*
 * execve accepts 6 MB (_STK_LIM / 4 * 3, fs/exec.c). But with prctl(PR_SET_MM_ENV_END) a process
 * can claim that its environment is as large as its memory.
 */
#define TOTAL_MAX (8 * 1024 * 1024)

void environment_begin(struct environment *search, const char *variable)
{
	*search = (struct environment){ .variable = variable, .length = strlen(variable) };
}

static void match(struct environment *search, char c)
{
	char wanted = search->matched < search->length ? search->variable[search->matched] : '=';

	if (c != wanted) {
		search->state = c ? ENVIRONMENT_SKIPPING : ENVIRONMENT_MATCHING;
		search->matched = 0;
		return;
	}
	if (search->matched++ == search->length)
		search->state = ENVIRONMENT_IN_VALUE;
}

/* Consumes bytes up to the NUL that ends the variable; stores the first bytes of the value. */
static size_t pass(struct environment *search, const char *piece, size_t size, bool *ends)
{
	const char *end = memchr(piece, '\0', size);
	size_t length = end ? (size_t)(end - piece) : size;
	size_t kept = sizeof(search->value) - search->size;

	*ends = end;
	if (search->state == ENVIRONMENT_IN_VALUE) {
		kept = length < kept ? length : kept;
		memcpy(search->value + search->size, piece, kept);
		search->size += kept;
	}
	return length;
}

bool environment_add(struct environment *search, const char *piece, size_t size)
{
	size_t at = 0;

	while (at < size && search->state != ENVIRONMENT_FOUND) {
		bool ends;

		if (search->state == ENVIRONMENT_MATCHING) {
			match(search, piece[at++]);
			continue;
		}
		at += pass(search, piece + at, size - at, &ends);
		if (!ends)
			break;
		at++;
		search->matched = 0;
		search->state = search->state == ENVIRONMENT_IN_VALUE ? ENVIRONMENT_FOUND
								      : ENVIRONMENT_MATCHING;
	}
	return search->state == ENVIRONMENT_FOUND;
}

bool environment_end(struct environment *search)
{
	if (search->state == ENVIRONMENT_IN_VALUE)
		search->state = ENVIRONMENT_FOUND;
	return search->state == ENVIRONMENT_FOUND;
}

/* Returns 1 if found, 0 if not, or -errno. */
static int search_file(int fd, struct environment *search)
{
	char piece[PIECE_SIZE];

	for (size_t total = 0; total < TOTAL_MAX;) {
		ssize_t length = read(fd, piece, sizeof(piece));

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		if (length == 0)
			return environment_end(search);
		if (environment_add(search, piece, (size_t)length))
			return 1;
		total += (size_t)length;
	}
	return -EFBIG;
}

int environment_read(int process, const char *variable, char name[CONFIG_NAME_SIZE])
{
	/*
	 * The kernel refuses to read environment memory that is mapped from a file server
	 * (CVE-2018-1120), so no process can block this read.
	 */
	_cleanup_close_ int fd = openat(process, "environ", O_RDONLY | O_CLOEXEC);
	struct environment search;
	int r;

	name[0] = '\0';
	if (fd < 0)
		return -errno;
	environment_begin(&search, variable);
	r = search_file(fd, &search);
	if (r < 0)
		return r;
	if (!r || !search.size)
		return -ENODATA;
	return naming_clean(name, search.value, search.size);
}
