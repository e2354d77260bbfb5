// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/proxies/managed_proxy.h"
#include "lib/array.h"
#include "lib/log/log.h"
#include "lib/time.h"

static int add(const struct server_process *process, void *context)
{
	struct server_scan *scan = context;
	struct server_process *more;

	if (!process->netns_inode) { /* not readable for us, or just ended */
		scan->hidden += process->is_hidden && !process->is_child;
		return 0;
	}
	more = array_room(scan->processes, scan->count, &scan->max, sizeof(*more));
	if (!more)
		return -ENOMEM;
	scan->processes = more;
	scan->processes[scan->count++] = *process;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct server_process *x = a, *y = b;

	if (x->netns_inode != y->netns_inode)
		return x->netns_inode < y->netns_inode ? -1 : 1;
	if (x->is_child != y->is_child)
		return x->is_child - y->is_child;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

int server_scan_run(struct server_scan *scan, const struct config *config)
{
	int r;

	*scan = (struct server_scan){};
	r = processes_each(PROCESSES_ROOT, config, 0, add, scan);
	if (scan->count)
		qsort(scan->processes, scan->count, sizeof(*scan->processes), compare);
	return r;
}

struct server_group server_scan_next(const struct server_scan *scan, size_t *at)
{
	struct server_group group = { .processes = scan->processes + *at };

	while (*at < scan->count &&
	       scan->processes[*at].netns_inode == group.processes->netns_inode) {
		group.count++;
		++*at;
	}
	return group;
}

void server_scan_free(struct server_scan *scan)
{
	free(scan->processes);
	*scan = (struct server_scan){};
}

static struct managed_proxy *by_inode(const struct proxies *proxies, uint32_t inode)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		if (!proxies->managed[i]->gone &&
		    proxies->managed[i]->netns.map_entry.netns_inode == inode)
			return proxies->managed[i];
	}
	return NULL;
}

/* Number of proxies that are not watched, by reason. */
struct unwatched {
	uint32_t beyond, hidden, refused;
};

static void note_unwatched(struct proxies *proxies, const struct unwatched *now)
{
	static struct unwatched former;

	if (now->beyond > former.beyond)
		log_warn("proxies are not watched, raise --proxies.max",
			 field_unsigned("count", now->beyond),
			 field_unsigned("limit", proxies->config->proxies_max));
	if (now->hidden > former.hidden)
		log_warn("cannot see network namespaces of SOCKS servers",
			 field_unsigned("count", now->hidden),
			 field_text("capability", "SYS_PTRACE"));
	if (now->refused > former.refused)
		log_warn("cannot enter network namespaces of proxies",
			 field_unsigned("count", now->refused),
			 field_text("capability", "SYS_ADMIN"));
	former = *now;
	proxies->unwatched = now->beyond + now->hidden + now->refused;
}

void proxies_take(struct proxies *proxies, const struct server_scan *scan)
{
	struct unwatched unwatched = { .hidden = (uint32_t)scan->hidden };
	struct server_group group;
	size_t at = 0;

	while ((group = server_scan_next(scan, &at)).count) {
		struct managed_proxy *p = by_inode(proxies, group.processes->netns_inode);
		int r;

		if (p) {
			managed_proxy_seen(p, &group);
			continue;
		}
		r = managed_proxy_add(proxies, &group);
		unwatched.beyond += r == -ENOSPC;
		unwatched.refused += r == -EPERM || r == -EACCES;
		if (r < 0 && r != -ENOSPC)
			log_debug("cannot examine network namespace",
				  field_unsigned("netns", group.processes->netns_inode),
				  field_error(r));
	}
	note_unwatched(proxies, &unwatched);
}

void proxies_rescan(struct proxies *proxies)
{
	for (uint32_t i = 0; i < proxies->count; i++) {
		struct managed_proxy *p = proxies->managed[i];

		p->scan_due = true;
		managed_proxy_check(proxies, p);
	}
}
