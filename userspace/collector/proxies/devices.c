// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/parts.h"

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
#include "lib/process/shared.h"
#include "lib/time.h"

#define SEARCHES_AT_ONCE 5		 /* after a tunnel was added: its socket appears later */
#define SEARCH_PERIOD_NS (30 * NS_PER_S) /* later; a scan takes about 5 µs for each process */

static int root_of(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return pid ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

static void root_open(struct managed_proxy *p)
{
	_cleanup_close_ int proc =
		p->device_pid ? open(PROCESSES_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (p->device_pid && process_netns(proc, p->device_pid) != p->netns.map_entry.netns_inode)
		p->device_pid = 0;
	p->netns.wireguard.root = root_of(p->device_pid ?: p->netns.pid);
}

static void read_all(struct managed_proxy *const *managed, size_t count)
{
	_cleanup_free_ struct wireguard **asked = calloc(count ?: 1, sizeof(struct wireguard *));
	_cleanup_free_ struct managed_proxy **owners =
		calloc(count ?: 1, sizeof(struct managed_proxy *));
	size_t n = 0;

	if (!asked || !owners)
		return;
	for (size_t i = 0; i < count; i++) {
		struct managed_proxy *p = managed[i];

		if (!p->netns.remote || proxy_netns_enter(&p->netns))
			continue; /* namespace gone: the last reading stays */
		root_open(p);
		proxy_netns_wireguard_begin(&p->netns);
		close_descriptor(&p->netns.wireguard.root);
		proxy_netns_leave(&p->netns);
		owners[n] = p;
		asked[n++] = &p->netns.wireguard;
	}
	wireguard_await(asked, n, clock_now_ns() + WIREGUARD_WAIT_NS);
	for (size_t i = 0; i < n; i++)
		proxy_netns_wireguard_end(&owners[i]->netns);
}

/* ---- sockets outside the root of the server ---- */

/* Returns the name of a tunnel whose socket was not found; NULL: none. */
static const char *missing_socket(const struct managed_proxy *p)
{
	for (unsigned int tunnel_index = 0; tunnel_index < ABI_TUNNELS_MAX; tunnel_index++) {
		const struct wireguard_tunnel *t = &p->netns.wireguard.tunnels[tunnel_index];

		if (t->ifindex && (t->error == -ENOENT || t->error == -ENOTDIR))
			return p->netns.map_entry.tunnels[tunnel_index].name;
	}
	return NULL;
}

static bool may_be_searched(const struct proxies *proxies, const struct managed_proxy *p)
{
	return missing_socket(p) &&
	       (p->device_searches < SEARCHES_AT_ONCE ||
		clock_now_ns() - proxies->device_searched_ns >= SEARCH_PERIOD_NS);
}

static bool has_socket(pid_t pid, const char *interface)
{
	_cleanup_close_ int root = root_of(pid);
	_cleanup_close_ int fd = root < 0 ? -1 : uapi_socket_open(root, interface);

	return fd >= 0;
}

struct searchers {
	struct managed_proxy *const *managed;
	size_t count;
};

static int try_process(int proc, pid_t pid, void *context)
{
	const struct searchers *searchers = context;
	uint32_t inode = process_netns(proc, pid);

	for (size_t i = 0; inode && i < searchers->count; i++) {
		struct managed_proxy *p = searchers->managed[i];

		if (p->netns.map_entry.netns_inode == inode && !p->device_pid &&
		    has_socket(pid, missing_socket(p)))
			p->device_pid = pid;
	}
	return 0;
}

/* Scans all processes once, for all these proxies. */
static void search(struct managed_proxy *const *managed, size_t count)
{
	struct searchers searchers = { .managed = managed, .count = count };

	for (size_t i = 0; i < count; i++) {
		managed[i]->device_pid = 0;
		managed[i]->device_searches++;
	}
	pids_each(PROCESSES_ROOT, try_process, &searchers);
}

void devices_read(struct proxies *proxies, struct managed_proxy *const *managed, size_t count)
{
	_cleanup_free_ struct managed_proxy **lost =
		calloc(count ?: 1, sizeof(struct managed_proxy *));
	size_t n = 0, found = 0;

	read_all(managed, count);
	for (size_t i = 0; lost && i < count; i++) {
		if (may_be_searched(proxies, managed[i]))
			lost[n++] = managed[i];
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
