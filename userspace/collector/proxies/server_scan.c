// SPDX-License-Identifier: Apache-2.0
#include "collector/proxies/server_scan.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/array.h"

static int add(const struct server_process *process, void *context)
{
	struct census *census = context;
	struct server_process *more;

	if (!process->netns_inode) { /* not ours to see, or it has just ended */
		census->hidden += process->is_hidden && !process->is_child;
		return 0;
	}
	more = array_room(census->processes, census->count, &census->max, sizeof(*more));
	if (!more)
		return -ENOMEM;
	census->processes = more;
	census->processes[census->count++] = *process;
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

int census_take(struct census *census, const struct config *config)
{
	int r;

	*census = (struct census){};
	r = processes_each(PROCESSES_ROOT, config, 0, add, census);
	if (census->count)
		qsort(census->processes, census->count, sizeof(*census->processes), compare);
	return r;
}

struct census_group census_next(const struct census *census, size_t *at)
{
	struct census_group group = { .processes = census->processes + *at };

	while (*at < census->count && census->processes[*at].netns_inode == group.processes->netns_inode) {
		group.count++;
		++*at;
	}
	return group;
}

void census_free(struct census *census)
{
	free(census->processes);
	*census = (struct census){};
}
