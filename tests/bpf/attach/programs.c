// SPDX-License-Identifier: Apache-2.0
#include "programs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "world.h"

#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1u << 3)

struct counters {
	uint64_t pairs[COUNTERS_MAX][2];
};

int counters_create(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "counters", sizeof(uint32_t),
				sizeof(struct counters), 1, NULL);

	check(fd >= 0, "%s", strerror(errno));
	return fd;
}

static struct counters counters_read(int fd)
{
	struct counters counters;
	uint32_t zero = 0;

	check(bpf_map_lookup_elem(fd, &zero, &counters) == 0, "%s", strerror(errno));
	return counters;
}

uint64_t counters_frames(int counters, int index)
{
	return counters_read(counters).pairs[index][0];
}

uint32_t counters_cb(int counters, int index)
{
	return (uint32_t)counters_read(counters).pairs[index][1];
}

void counters_clear(int counters)
{
	struct counters none = { 0 };
	uint32_t zero = 0;

	check(bpf_map_update_elem(counters, &zero, &none, BPF_ANY) == 0, "%s", strerror(errno));
}

int counter_load(int counters, int index, int verdict, const char *name)
{
	const struct bpf_insn code[] = {
		/* r0 = NEXT; r2 = skb->protocol; not ours: exit */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = VERDICT_NEXT },
		{ .code = BPF_LDX | BPF_MEM | BPF_W,
		  .dst_reg = 2,
		  .src_reg = 1,
		  .off = offsetof(struct __sk_buff, protocol) },
		{ .code = BPF_JMP | BPF_JNE | BPF_K,
		  .dst_reg = 2,
		  .off = 7,
		  .imm = htons(FRAME_PROTOCOL) },
		/* r3 = &counters[index]; [r3] += 1; [r3 + 8] = skb->cb[4] */
		{ .code = BPF_LDX | BPF_MEM | BPF_W,
		  .dst_reg = 5,
		  .src_reg = 1,
		  .off = offsetof(struct __sk_buff, cb[4]) },
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = 3,
		  .src_reg = BPF_PSEUDO_MAP_VALUE,
		  .imm = counters },
		{ .imm = index * 16 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4, .imm = 1 },
		{ .code = BPF_STX | BPF_ATOMIC | BPF_DW,
		  .dst_reg = 3,
		  .src_reg = 4,
		  .imm = BPF_ADD },
		{ .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 5, .off = 8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, name, "GPL", code,
			       sizeof(code) / sizeof(code[0]), NULL);

	check(fd >= 0, "%s", strerror(errno));
	return fd;
}

int targets_create(int counters)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "targets", sizeof(uint32_t),
				sizeof(uint32_t), ABI_PACKET_MAX, NULL);

	check(fd >= 0, "%s", strerror(errno));
	for (int i = 0; i < ABI_PACKET_MAX; i++) {
		int program = counter_load(counters, i, VERDICT_NEXT, "target");

		check(bpf_map_update_elem(fd, &i, &program, BPF_ANY) == 0, "%s", strerror(errno));
		close(program);
	}
	return fd;
}

static int tcx_direction(enum attach_direction direction)
{
	return direction == ATTACH_INGRESS ? TCX_INGRESS : TCX_EGRESS;
}

int foreign_tcx(uint32_t ifindex, enum attach_direction direction, int program, bool first)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = first ? TCX_BEFORE : 0);
	int fd = bpf_link_create(program, (int)ifindex,
				 (enum bpf_attach_type)tcx_direction(direction), &opts);

	check(fd >= 0, "%s", strerror(errno));
	return fd;
}

int tcx_count(uint32_t ifindex, enum attach_direction direction, const char *name, int *position)
{
	uint32_t ids[64];
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = ids, .prog_cnt = 64);
	int count = 0;

	if (bpf_prog_query_opts((int)ifindex, (enum bpf_attach_type)tcx_direction(direction),
				&opts) != 0)
		return errno == ENOENT ? 0 : -1;
	for (uint32_t i = 0; i < opts.prog_cnt; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t length = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(ids[i]);

		check(fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0, "%s",
		      strerror(errno));
		close(fd);
		if (strcmp(info.name, name) != 0)
			continue;
		if (position && count == 0)
			*position = (int)i;
		count++;
	}
	return count;
}
