// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/discovery/processes.c: a /proc of two processes with files and fd/ links from
 * the input. The input has four NUL-terminated strings:
 *
 * - comm of process 10
 * - stat of process 10
 * - comm of process 11, the parent of process 10 if stat says so
 * - a link
 */
#include "fuzz.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "collector/discovery/processes.h"

static const struct config config = { .processes = { "danted", "sockd", "fifteen-letters" },
				      .process_count = 3 };
static char root[] = "/tmp/wgsocks-fuzz-proc-XXXXXX";
static const char *const FILES[] = { "10/comm", "10/stat", "11/comm" };
static pid_t owner;

static void remove_root(void)
{
	char command[64];

	if (getpid() != owner)
		return;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command))
		return;
}

static void make_root(void)
{
	char path[64];

	CHECK(mkdtemp(root));
	owner = getpid();
	atexit(remove_root);
	for (int pid = 10; pid <= 11; pid++) {
		snprintf(path, sizeof(path), "%s/%d", root, pid);
		CHECK(mkdir(path, 0700) == 0);
	}
}

static void put(const char *name, const char *bytes, size_t size)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

struct seen {
	int count;
	bool server, child; /* process 10 */
};

static int each(const struct server_process *process, void *context)
{
	struct seen *seen = context;

	seen->count++;
	CHECK(process->pid == 10 || process->pid == 11, "process %d", process->pid);
	CHECK(memchr(process->comm, '\0', sizeof(process->comm)) &&
	      process_is_server(process->comm, &config));
	CHECK(process->netns_inode == 0);
	CHECK(process->pid == 10 || !process->is_child);
	if (process->pid == 10) {
		seen->server = true;
		seen->child = process->is_child;
	}
	return 0;
}

/*
 * The parent as a stat says it that is no longer than 255 bytes: the second field behind the last
 * bracket.
 */
static int parent_of(const char *stat)
{
	const char *at = strrchr(stat, ')');
	char *end;
	long parent;

	if (!at)
		return 0;
	for (at++; isspace((unsigned char)*at);)
		at++;
	if (!*at)
		return 0;
	parent = strtol(at + 1, &end, 10);
	return end == at + 1 ? 0 : (int)parent;
}

static void check_processes(const char *const *files)
{
	struct seen seen = { .count = 0 }, none = { .count = 0 };
	int parent = parent_of(files[1]);

	processes_each(root, &config, 0, each, &seen);
	CHECK(seen.count <= 2);
	/*
	 * Only names of the kernel's length: a longer one is cut, and may then name a server.
	 */
	if (strlen(files[0]) < 16 && strlen(files[1]) < 256 && strlen(files[2]) < 16) {
		CHECK(seen.server == process_is_server(files[0], &config));
		CHECK(!seen.server || seen.child == (parent == 10 ||
						     (parent == 11 &&
						      process_is_server(files[2], &config))),
		      "is_child is %d, its parent %d", seen.child, parent);
	}
	processes_each(root, &config, 4026531840u, each, &none);
	CHECK(!none.count, "a process of no namespace that can be seen is taken for one of ours");
}

static void check_link(const char *text)
{
	uint32_t inode = process_socket_inode(text);
	char again[32];
	size_t zeros;

	if (!inode)
		return;
	CHECK(!strncmp(text, "socket:[", 8));
	zeros = strspn(text + 8, "0");
	snprintf(again, sizeof(again), "%u]", inode);
	CHECK(!strcmp(text + 8 + zeros, again), "%s is %u", text, inode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(data, size), *at = text;
	const char *files[sizeof(FILES) / sizeof(FILES[0])];

	if (!owner)
		make_root();
	check_link(text);
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		files[i] = at <= text + size ? at : "";
		put(FILES[i], files[i], strlen(files[i]));
		at += at <= text + size ? strlen(at) + 1 : 0;
	}
	if (at <= text + size)
		check_link(at);
	check_processes(files);
	free(text);
	return 0;
}
