// SPDX-License-Identifier: Apache-2.0
#include "collector/attach/attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/attach/parts.h"
#include "collector/discovery/links.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"

uint32_t attach_instance(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash ? hash : 1;
}

/*
 * Opens TCX, then removes the clsact attachment of an earlier process: both together would count
 * twice.
 */
static int open_tcx(struct attachment *attachment, const struct attachment_spec *spec)
{
	int r = tcx_open(attachment, spec);

	if (r)
		return r;
	attachment->mode = CONFIG_ATTACH_TCX;
	r = clsact_remove_filters(spec->ifindex, spec->direction, spec->instance);
	return r < 0 ? r : 0;
}

static int open_clsact(struct attachment *attachment, const struct attachment_spec *spec)
{
	int r = clsact_open(attachment, spec);

	if (r)
		return r;
	attachment->mode = CONFIG_ATTACH_CLSACT;
	r = spec->pin_path ? tcx_remove_pinned(spec->pin_path) : 0;
	return r < 0 ? r : 0;
}

int attachment_open(struct attachment *attachment, const struct attachment_spec *spec)
{
	int r = -EOPNOTSUPP;

	*attachment = (struct attachment){ .ifindex = spec->ifindex,
					   .direction = spec->direction,
					   .mode = CONFIG_ATTACH_AUTO,
					   .instance = spec->instance,
					   .link_fd = -1 };
	if (!spec->instance)
		return -EINVAL;
	if (spec->pin_path && snprintf(attachment->pin_path, sizeof(attachment->pin_path), "%s",
				       spec->pin_path) >= (int)sizeof(attachment->pin_path))
		return -ENAMETOOLONG;
	if (spec->mode != CONFIG_ATTACH_CLSACT)
		r = open_tcx(attachment, spec);
	if (spec->mode == CONFIG_ATTACH_CLSACT ||
	    (spec->mode == CONFIG_ATTACH_AUTO && r == -EOPNOTSUPP))
		r = open_clsact(attachment, spec);
	if (r)
		attachment_close(attachment);
	return r;
}

int attachment_alive(const struct attachment *attachment)
{
	switch (attachment->mode) {
	case CONFIG_ATTACH_TCX: return tcx_alive(attachment);
	case CONFIG_ATTACH_CLSACT: return clsact_alive(attachment);
	default: return 0;
	}
}

void attachment_close(struct attachment *attachment)
{
	close_descriptor(&attachment->link_fd);
	attachment->mode = CONFIG_ATTACH_AUTO;
}

int attachment_remove(struct attachment *attachment)
{
	int r = 0;

	if (attachment->mode == CONFIG_ATTACH_TCX)
		r = tcx_remove(attachment);
	else if (attachment->mode == CONFIG_ATTACH_CLSACT)
		r = clsact_remove(attachment);
	attachment_close(attachment);
	return r;
}

void attachment_forget(struct attachment *attachment)
{
	bool pinned = attachment->mode == CONFIG_ATTACH_TCX && attachment->pin_path[0];

	/* Before unlink: closing releases the last reference at once, unpinning later */
	attachment_close(attachment);
	if (pinned && unlink(attachment->pin_path) && errno != ENOENT)
		log_debug("cannot remove pin", field_text("path", attachment->pin_path),
			  field_error(errno));
}

struct sweep {
	uint32_t instance;
	int removed;
	int error;
};

static void note_result(struct sweep *sweep, int result)
{
	if (result >= 0)
		sweep->removed += result;
	else if (!sweep->error)
		sweep->error = result;
}

static void sweep_link(const struct link *link, enum link_event event, void *context)
{
	struct sweep *sweep = context;

	if (event != LINK_PRESENT)
		return;
	note_result(sweep, clsact_remove_filters(link->ifindex, ATTACH_INGRESS, sweep->instance));
	note_result(sweep, clsact_remove_filters(link->ifindex, ATTACH_EGRESS, sweep->instance));
}

static void each_pin(struct sweep *sweep, const char *folder, int (*remove)(const char *path))
{
	_cleanup_closedir_ DIR *pins = opendir(folder);
	const struct dirent *entry;

	if (!pins) {
		note_result(sweep, errno == ENOENT ? 0 : -errno);
		return;
	}
	while ((entry = readdir(pins))) {
		char path[CONFIG_PATH_SIZE + NAME_MAX + 2];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		note_result(sweep, remove(path));
	}
}

int attach_sweep(uint32_t instance, const char *pin_folder)
{
	struct sweep sweep = { .instance = instance };
	struct links links;
	int r = links_open(&links);

	if (!r)
		r = links_dump(&links, sweep_link, &sweep);
	links_close(&links);
	note_result(&sweep, r);
	if (pin_folder)
		each_pin(&sweep, pin_folder, tcx_remove_pinned);
	return sweep.error ? sweep.error : sweep.removed;
}

int attach_unpin_all(const char *pin_folder)
{
	struct sweep sweep = { 0 };

	each_pin(&sweep, pin_folder, tcx_remove_pinned);
	return sweep.error ? sweep.error : sweep.removed;
}

int attach_prune(const char *pin_folder)
{
	struct sweep sweep = { 0 };

	each_pin(&sweep, pin_folder, tcx_prune_pinned);
	return sweep.error ? sweep.error : sweep.removed;
}

#define STUB_NAME "wgsocks_stub"
#define TC_UNSPEC (-1) /* TC_ACT_UNSPEC, TCX_NEXT: continue with the next program or filter */

int stub_load(const struct stub_spec *spec)
{
	const struct bpf_insn code[] = {
		/* Uses a register: before Linux 6.4 the verifier refuses an immediate here. */
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
		{ .code = BPF_ALU | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_3,
		  .imm = (__s32)spec->program },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_tail_call },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_UNSPEC },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	/* A value that is too large would overwrite the next bit field. */
	if (ABI_STUB_SLOT(ABI_STUB_CB(spec->slot, spec->l2_header_length, spec->program)) !=
		    spec->slot ||
	    ABI_STUB_L2(ABI_STUB_CB(spec->slot, spec->l2_header_length, spec->program)) !=
		    spec->l2_header_length)
		return -ERANGE;
	fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, STUB_NAME, "Dual BSD/GPL", code,
			   sizeof(code) / sizeof(code[0]), NULL);

	return fd < 0 ? -errno : fd;
}
