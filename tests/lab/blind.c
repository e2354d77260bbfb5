// SPDX-License-Identifier: Apache-2.0
/*
 * blind OBJECT: attaches the programs of blind.bpf.c. For each input line it prints the counts of
 * both copies: lines of "COPY INODE OPENED CLOSED BROKEN RESENT", then an empty line. The input
 * line "stop" detaches the programs. It exits at the end of its input.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct namespace_count {
	uint64_t opened, closed, broken, resent;
};

static void counts_print(const struct bpf_map *map, int copy)
{
	struct namespace_count count;
	uint32_t inode, *last = NULL;

	while (!bpf_map_get_next_key(bpf_map__fd(map), last, &inode)) {
		if (!bpf_map_lookup_elem(bpf_map__fd(map), &inode, &count))
			printf("%d %u %llu %llu %llu %llu\n", copy, inode,
			       (unsigned long long)count.opened, (unsigned long long)count.closed,
			       (unsigned long long)count.broken, (unsigned long long)count.resent);
		last = &inode;
	}
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_link *links[6] = { NULL };
	struct bpf_program *program;
	size_t count = 0;
	char line[16] = "";

	if (libbpf_get_error(object) || !object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object)
	{
		links[count] = bpf_program__attach(program);
		if (libbpf_get_error(links[count++]))
			return 1;
	}
	do {
		while (!strcmp(line, "stop\n") && count)
			bpf_link__destroy(links[--count]);
		counts_print(bpf_object__find_map_by_name(object, "blind_a_counts"), 0);
		counts_print(bpf_object__find_map_by_name(object, "blind_b_counts"), 1);
		puts("");
		fflush(stdout);
	} while (fgets(line, sizeof(line), stdin));
	return 0;
}
