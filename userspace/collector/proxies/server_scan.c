// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/server_scan.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/array.h"

static int add(const struct server_process *process, void *context)
{
	struct server_scan *scan = context;
	struct server_process *more;

	if (!process->netns_inode) { /* not ours to see, or it has just ended */
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

	while (*at < scan->count && scan->processes[*at].netns_inode == group.processes->netns_inode) {
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
