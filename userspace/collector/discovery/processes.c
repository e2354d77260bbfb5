// SPDX-License-Identifier: Apache-2.0
#include "collector/discovery/processes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/discovery/listeners.h"
#include "lib/cleanup.h"

/* Limits of one scan of /proc. */
#define PIDS_MAX 131072
#define DESCRIPTORS_MAX 65536
#define LISTENERS_MAX 1024

#define INIT_PID_NAMESPACE 0xEFFFFFFCu /* PROC_PID_INIT_INO of include/linux/proc_ns.h */

bool processes_all_seen(void)
{
	struct stat pid;

	return !stat("/proc/self/ns/pid", &pid) && pid.st_ino == INIT_PID_NAMESPACE;
}

bool process_is_server(const char *comm, const struct config *config)
{
	size_t length = strcspn(comm, "\n");

	for (uint32_t i = 0; i < config->process_count; i++) {
		const char *name = config->processes[i];

		if (length > 0 && length == strnlen(name, sizeof(config->processes[i])) &&
		    memcmp(comm, name, length) == 0)
			return true;
	}
	return false;
}

uint32_t process_socket_inode(const char *target)
{
	static const char prefix[] = "socket:[";
	unsigned long inode;
	char *end;

	if (strncmp(target, prefix, sizeof(prefix) - 1) != 0 ||
	    !isdigit((unsigned char)target[sizeof(prefix) - 1]))
		return 0;
	errno = 0;
	inode = strtoul(target + sizeof(prefix) - 1, &end, 10);
	if (errno || inode > UINT32_MAX || strcmp(end, "]") != 0)
		return 0;
	return (uint32_t)inode;
}

static pid_t parse_pid(const char *name)
{
	unsigned long pid;
	char *end;

	if (!isdigit((unsigned char)name[0]))
		return 0;
	errno = 0;
	pid = strtoul(name, &end, 10);
	return errno || *end || pid > INT32_MAX ? 0 : (pid_t)pid;
}

static bool read_comm(int proc, pid_t pid, char comm[16])
{
	char path[32], text[32] = "";
	_cleanup_close_ int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "%d/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	snprintf(comm, 16, "%.15s", text);
	return true;
}

/*
 * Reads the fourth field of stat, after the name in brackets, which can contain any byte (proc(5)).
 */
static pid_t read_parent(int proc, pid_t pid)
{
	char path[32], text[256], *end;
	_cleanup_close_ int fd = -1;
	ssize_t length;
	int parent;

	snprintf(path, sizeof(path), "%d/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

uint32_t process_netns(int proc, pid_t pid)
{
	char path[32];
	struct stat status;

	snprintf(path, sizeof(path), "%d/ns/net", pid);
	return fstatat(proc, path, &status, 0) == 0 ? (uint32_t)status.st_ino : 0;
}

/*
 * The process that started the server can have such a name too (an interpreter), but in another
 * network namespace.
 */
struct parent {
	pid_t pid;
	uint32_t netns_inode;
	bool is_server;
};

/* `last`: the parent of the previous call; children of one server come one after another. */
static bool is_child_of_server(int proc, const struct server_process *process,
			       const struct config *config, struct parent *last)
{
	pid_t pid = read_parent(proc, process->pid);
	char comm[16];

	if (pid != last->pid) {
		*last = (struct parent){ .pid = pid };
		last->is_server =
			pid && read_comm(proc, pid, comm) && process_is_server(comm, config);
		last->netns_inode = last->is_server ? process_netns(proc, pid) : 0;
	}
	return last->is_server && last->netns_inode == process->netns_inode;
}

int pids_each(const char *root, pid_callback *callback, void *context)
{
	_cleanup_closedir_ DIR *proc = opendir(root);
	const struct dirent *entry;
	int stop = 0;

	for (int count = 0; !stop && proc && count < PIDS_MAX && (entry = readdir(proc)); count++) {
		pid_t pid = parse_pid(entry->d_name);

		if (pid)
			stop = callback(dirfd(proc), pid, context);
	}
	return stop;
}

/* A search for servers among all processes. */
struct server_search {
	const struct config *config;
	uint32_t netns_inode;
	struct parent last;
	server_process_callback *callback;
	void *context;
};

static int consider(int proc, pid_t pid, void *context)
{
	struct server_process process = { .pid = pid };
	struct server_search *search = context;

	if (!read_comm(proc, pid, process.comm) || !process_is_server(process.comm, search->config))
		return 0;
	errno = 0;
	process.netns_inode = process_netns(proc, pid);
	process.is_hidden = !process.netns_inode && (errno == EACCES || errno == EPERM);
	process.is_child = is_child_of_server(proc, &process, search->config, &search->last);
	if (search->netns_inode && process.netns_inode != search->netns_inode)
		return 0;
	return search->callback(&process, search->context);
}

int processes_each(const char *root, const struct config *config, uint32_t netns_inode,
		   server_process_callback *callback, void *context)
{
	struct server_search search = { .config = config,
					.netns_inode = netns_inode,
					.callback = callback,
					.context = context };

	return pids_each(root, consider, &search);
}

/* Listeners whose owner is not yet known; found ones are removed. */
struct wanted_servers {
	struct listener *listeners;
	size_t count;
	bool served[UINT16_MAX + 1]; /* by port */
};

static int collect_listener(const struct listener *listener, void *context)
{
	struct wanted_servers *wanted = context;

	if (listener->inode)
		wanted->listeners[wanted->count++] = *listener;
	return wanted->count == LISTENERS_MAX;
}

static void claim_socket(struct wanted_servers *wanted, uint32_t inode)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (wanted->listeners[i].inode != inode)
			continue;
		wanted->served[wanted->listeners[i].port] = true;
		wanted->listeners[i] = wanted->listeners[--wanted->count];
		return;
	}
}

static int claim_sockets(const struct server_process *process, void *context)
{
	struct wanted_servers *wanted = context;
	_cleanup_closedir_ DIR *descriptors = NULL;
	const struct dirent *entry;
	char path[32];

	if (process->is_child) /* a listener of a child only is the BIND of a client */
		return 0;
	snprintf(path, sizeof(path), PROCESSES_ROOT "/%d/fd", process->pid);
	descriptors = opendir(path);
	if (!descriptors)
		return 0;
	for (int count = 0; count < DESCRIPTORS_MAX && (entry = readdir(descriptors)); count++) {
		char target[64];
		ssize_t length =
			readlinkat(dirfd(descriptors), entry->d_name, target, sizeof(target) - 1);

		if (length <= 0)
			continue;
		target[length] = '\0';
		claim_socket(wanted, process_socket_inode(target));
	}
	return wanted->count == 0;
}

/* Reads the listeners of the current namespace. Returns 0 or -errno. */
static int wanted_read(struct wanted_servers **wanted)
{
	struct wanted_servers *w = calloc(1, sizeof(*w));
	int r;

	*wanted = w;
	if (!w)
		return -ENOMEM;
	w->listeners = calloc(LISTENERS_MAX, sizeof(*w->listeners));
	if (!w->listeners)
		return -ENOMEM;
	r = listeners_each(collect_listener, w);
	return r < 0 ? r : 0;
}

static void wanted_free(struct wanted_servers *w)
{
	if (w)
		free(w->listeners);
	free(w);
}

static int ports_served(const struct wanted_servers *wanted, uint16_t *ports, size_t max,
			size_t *rest)
{
	size_t found = 0, beyond = 0;

	for (unsigned int port = 1; port <= UINT16_MAX; port++) {
		if (!wanted->served[port])
			continue;
		if (found < max)
			ports[found++] = (uint16_t)port;
		else
			beyond++;
	}
	if (rest)
		*rest = beyond;
	return (int)found;
}

int processes_listener_ports(const struct config *config, uint32_t netns_inode, uint16_t *ports,
			     size_t max, size_t *rest)
{
	struct wanted_servers *wanted;
	int r = wanted_read(&wanted);

	if (!r && wanted->count > 0)
		processes_each(PROCESSES_ROOT, config, netns_inode, claim_sockets, wanted);
	if (!r)
		r = ports_served(wanted, ports, max, rest);
	wanted_free(wanted);
	return r;
}

int processes_ports_of(const struct server_process *processes, size_t count, uint16_t *ports,
		       size_t max, size_t *rest)
{
	struct wanted_servers *wanted;
	int r = wanted_read(&wanted);

	for (size_t i = 0; !r && i < count && wanted->count > 0; i++)
		claim_sockets(&processes[i], wanted);
	if (!r)
		r = ports_served(wanted, ports, max, rest);
	wanted_free(wanted);
	return r;
}
