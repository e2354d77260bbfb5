// SPDX-License-Identifier: Apache-2.0
/*
 * Measures BPF programs in real traffic with the kernel's statistics:
 * `stats IFINDEX NETNS-INODE PROGRAM-ID...`. It attaches empty programs ("floors") to the same
 * hooks. For each line of standard input it prints a line of JSON: nanoseconds and runs of each
 * program and floor since its load. The line also has the number of state transitions in that
 * network namespace and elsewhere. Statistics and floors are active as long as it runs.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floor.skel.h"

#define PROGRAMS_MAX 64
#define TCX_INGRESS 46 /* enum bpf_attach_type of Linux 6.6 */
#define TCX_EGRESS 47

struct entry {
	char name[32];
	int fd;
};

static struct entry entries[PROGRAMS_MAX];
static int entry_count;

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "stats: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void entry_add(const char *name, int fd)
{
	if (fd < 0 || entry_count == PROGRAMS_MAX)
		fail(name);
	snprintf(entries[entry_count].name, sizeof(entries[0].name), "%s", name);
	entries[entry_count++].fd = fd;
}

static struct floor *floor_load(uint32_t inode)
{
	struct floor *floor = floor__open();

	if (!floor)
		fail("open");
	floor->rodata->netns_inode = inode;
	if (floor__load(floor))
		fail("load");
	return floor;
}

/* A copy of the empty program of its own, so that its runs are counted apart. */
static void floor_attach(uint32_t inode, int ifindex, int type, const char *name)
{
	int fd = bpf_program__fd(floor_load(inode)->progs.floor_packet);

	if (bpf_link_create(fd, ifindex, (enum bpf_attach_type)type, NULL) < 0)
		fail(name);
	entry_add(name, fd);
}

static void print(const struct floor *floor)
{
	printf("{");
	for (int i = 0; i < entry_count; i++) {
		struct bpf_prog_info info = {};
		uint32_t length = sizeof(info);

		if (bpf_obj_get_info_by_fd(entries[i].fd, &info, &length))
			fail(entries[i].name);
		printf("\"%s\": {\"ns\": %" PRIu64 ", \"runs\": %" PRIu64 ", \"name\": \"%s\"}, ",
		       entries[i].name, (uint64_t)info.run_time_ns, (uint64_t)info.run_cnt,
		       info.name);
	}
	printf("\"watched\": %" PRIu64 ", \"others\": %" PRIu64 "}\n",
	       (uint64_t)floor->bss->transitions_watched, (uint64_t)floor->bss->transitions_others);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct floor *floor;
	uint32_t inode;
	char line[16];
	int ifindex;

	if (argc < 3) {
		fprintf(stderr, "Usage: stats IFINDEX NETNS-INODE PROGRAM-ID...\n");
		return 2;
	}
	ifindex = atoi(argv[1]);
	inode = strtoul(argv[2], NULL, 10);
	floor = floor_load(inode);
	if (!bpf_program__attach(floor->progs.count_transition) ||
	    !bpf_program__attach(floor->progs.floor_transition))
		fail("attach");
	entry_add("floor_transition", bpf_program__fd(floor->progs.floor_transition));
	if (ifindex) {
		floor_attach(inode, ifindex, TCX_INGRESS, "floor_ingress");
		floor_attach(inode, ifindex, TCX_EGRESS, "floor_egress");
	}
	for (int i = 3; i < argc; i++)
		entry_add(argv[i], bpf_prog_get_fd_by_id(strtoul(argv[i], NULL, 10)));
	if (bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		fail("statistics");
	while (fgets(line, sizeof(line), stdin))
		print(floor);
	return 0;
}
