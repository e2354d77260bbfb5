// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/discovery/processes.h"
#include "collector/proxy_netns/netns_enter.h"
#include "collector/wireguard/uapi.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/process/shared.h"
#include <wgsocks/time.h>

#define SEARCHES_AT_ONCE 5		 /* after a tunnel came: its socket comes a little later */
#define SEARCH_PERIOD_NS (30 * NS_PER_S) /* then: a look at all processes takes about 5 µs each */

static int root_of(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return pid ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

static void root_open(struct member *m)
{
	_cleanup_close_ int proc = m->device_pid ? open(PROCESSES_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (m->device_pid && process_netns(proc, m->device_pid) != m->watch.entry.netns_inode)
		m->device_pid = 0;
	m->watch.wireguard.root = root_of(m->device_pid ?: m->watch.pid);
}

static void read_all(struct member *const *members, size_t count)
{
	_cleanup_free_ struct wireguard **asked = calloc(count ?: 1, sizeof(struct wireguard *));
	_cleanup_free_ struct member **whose = calloc(count ?: 1, sizeof(struct member *));
	size_t n = 0;

	if (!asked || !whose)
		return;
	for (size_t i = 0; i < count; i++) {
		struct member *m = members[i];

		if (!m->watch.remote || visit_begin(&m->watch))
			continue; /* nobody is there: what was read last holds for as long as it can be judged */
		root_open(m);
		watch_wireguard_begin(&m->watch);
		close_descriptor(&m->watch.wireguard.root);
		visit_end(&m->watch);
		whose[n] = m;
		asked[n++] = &m->watch.wireguard;
	}
	wireguard_await(asked, n, clock_now_ns() + WIREGUARD_WAIT_NS);
	for (size_t i = 0; i < n; i++)
		watch_wireguard_end(&whose[i]->watch);
}

/* ---- whose socket is not where the server is ---- */

/* The name of a tunnel whose socket was not found; NULL: there is none. */
static const char *missing(const struct member *m)
{
	for (unsigned int place = 0; place < ABI_TUNNELS_MAX; place++) {
		const struct wireguard_tunnel *t = &m->watch.wireguard.tunnels[place];

		if (t->ifindex && (t->error == -ENOENT || t->error == -ENOTDIR))
			return m->watch.entry.tunnels[place].name;
	}
	return NULL;
}

static bool may_be_searched(const struct proxies *proxies, const struct member *m)
{
	return missing(m) && (m->device_searches < SEARCHES_AT_ONCE ||
			      clock_now_ns() - proxies->device_searched_ns >= SEARCH_PERIOD_NS);
}

static bool has_socket(pid_t pid, const char *interface)
{
	_cleanup_close_ int root = root_of(pid);
	_cleanup_close_ int fd = root < 0 ? -1 : uapi_socket_open(root, interface);

	return fd >= 0;
}

struct searchers {
	struct member *const *members;
	size_t count;
};

static int offer(int proc, pid_t pid, void *context)
{
	const struct searchers *searchers = context;
	uint32_t inode = process_netns(proc, pid);

	for (size_t i = 0; inode && i < searchers->count; i++) {
		struct member *m = searchers->members[i];

		if (m->watch.entry.netns_inode == inode && !m->device_pid && has_socket(pid, missing(m)))
			m->device_pid = pid;
	}
	return 0;
}

/* One look at all processes, for all of them. */
static void search(struct member *const *members, size_t count)
{
	struct searchers searchers = { .members = members, .count = count };

	for (size_t i = 0; i < count; i++) {
		members[i]->device_pid = 0;
		members[i]->device_searches++;
	}
	pids_each(PROCESSES_ROOT, offer, &searchers);
}

void devices_read(struct proxies *proxies, struct member *const *members, size_t count)
{
	_cleanup_free_ struct member **lost = calloc(count ?: 1, sizeof(struct member *));
	size_t n = 0, found = 0;

	read_all(members, count);
	for (size_t i = 0; lost && i < count; i++) {
		if (may_be_searched(proxies, members[i]))
			lost[n++] = members[i];
	}
	if (!n)
		return;
	proxies->device_searched_ns = clock_now_ns();
	search(lost, n);
	for (size_t i = 0; i < n; i++) {
		if (!lost[i]->device_pid)
			continue;
		lost[i]->device_searches = 0;
		lost[found++] = lost[i];
	}
	read_all(lost, found);
}
