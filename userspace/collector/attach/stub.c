// SPDX-License-Identifier: Apache-2.0
#include "collector/attach/stub.h"

#include <errno.h>
#include <stddef.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#define STUB_NAME "wgsocks_stub"
#define TC_UNSPEC (-1) /* TC_ACT_UNSPEC, TCX_NEXT: the next program or filter decides */

int stub_load(const struct stub_spec *spec)
{
	const struct bpf_insn code[] = {
		/* By way of a register: before Linux 6.4 the verifier refuses an immediate here. */
		{ .code = BPF_ALU | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_2,
		  .imm = (__s32)ABI_STUB_CB(spec->slot, spec->l2_header_length, spec->program) },
		{ .code = BPF_STX | BPF_MEM | BPF_W,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_2,
		  .off = offsetof(struct __sk_buff, cb[4]) },
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = BPF_REG_2,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = spec->programs_fd },
		{ 0 },
		{ .code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = (__s32)spec->program },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_UNSPEC },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	/* What does not fit would spill over into its neighbour. */
	if (ABI_STUB_SLOT(ABI_STUB_CB(spec->slot, spec->l2_header_length, spec->program)) != spec->slot ||
	    ABI_STUB_L2(ABI_STUB_CB(spec->slot, spec->l2_header_length, spec->program)) != spec->l2_header_length)
		return -ERANGE;
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, STUB_NAME, "Dual BSD/GPL", code, sizeof(code) / sizeof(code[0]),
			   NULL);

	return fd < 0 ? -errno : fd;
}
