// SPDX-License-Identifier: Apache-2.0
#include "collector/attach/parts.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/cleanup.h"

/* Constants of linux/bpf.h that the headers of Debian 12 lack. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_LINK_TYPE 11
#define TCX_BEFORE (1u << 3) /* BPF_F_BEFORE without an anchor: run first */

static int tcx_direction(enum attach_direction direction)
{
	return direction == ATTACH_INGRESS ? TCX_INGRESS : TCX_EGRESS;
}

/* The TCX part of bpf_link_info: {ifindex, attach_type}, the same layout as for a netns link. */
struct tcx_attach_point {
	uint32_t type;
	uint32_t ifindex; /* 0: the interface is gone */
	uint32_t attach_type;
};

static int read_attach_point(int link_fd, struct tcx_attach_point *point)
{
	struct bpf_link_info info = { 0 };
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &length) != 0)
		return -errno;
	*point = (struct tcx_attach_point){ .type = info.type,
					    .ifindex = info.netns.netns_ino,
					    .attach_type = info.netns.attach_type };
	return 0;
}

/* Returns a descriptor, -ENOENT if there is no link to reuse, or -errno. */
static int take_over(const struct attachment_spec *spec)
{
	_cleanup_close_ int fd = bpf_obj_get(spec->pin_path);
	struct tcx_attach_point point = { 0 };

	if (fd < 0)
		return -errno;
	/*
	 * Always replaces the program, even with an equal one. Only CAP_SYS_ADMIN may read the
	 * program of a link, and a sidecar lacks it. The replacement is one pointer, atomic for
	 * packets.
	 */
	if (read_attach_point(fd, &point) == 0 && point.type == TCX_LINK_TYPE &&
	    point.ifindex == spec->ifindex &&
	    point.attach_type == (uint32_t)tcx_direction(spec->direction) &&
	    bpf_link_update(fd, spec->stub_fd, NULL) == 0)
		return TAKE_FD(fd);

	/*
	 * The interface is gone, or its name belongs to another one: a detached link refuses
	 * updates.
	 */
	bpf_link_detach(fd);
	if (unlink(spec->pin_path) != 0 && errno != ENOENT)
		return -errno;
	return -ENOENT;
}

static int create_link(const struct attachment_spec *spec)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = TCX_BEFORE);
	_cleanup_close_ int fd =
		bpf_link_create(spec->stub_fd, (int)spec->ifindex,
				(enum bpf_attach_type)tcx_direction(spec->direction), &opts);

	if (fd < 0) {
		switch (errno) {
		case EINVAL: /* before 6.6, or without CONFIG_NET_XGRESS */
		case E2BIG:
		case ERANGE: /* all 64 entries are in use */
		case ENOSYS: return -EOPNOTSUPP;
		default: return -errno;
		}
	}
	if (spec->pin_path && bpf_obj_pin(fd, spec->pin_path) != 0)
		return -errno;
	return TAKE_FD(fd);
}

int tcx_open(struct attachment *attachment, const struct attachment_spec *spec)
{
	int fd = spec->pin_path ? take_over(spec) : -ENOENT;

	attachment->taken_over = fd >= 0;
	if (fd == -ENOENT)
		fd = create_link(spec);
	if (fd < 0)
		return fd;
	attachment->link_fd = fd;
	return 0;
}

int tcx_alive(const struct attachment *attachment)
{
	struct tcx_attach_point point = { 0 };
	int r = read_attach_point(attachment->link_fd, &point);

	return r ? r : point.ifindex == attachment->ifindex;
}

int tcx_remove(struct attachment *attachment)
{
	int r = bpf_link_detach(attachment->link_fd) == 0 ? 0 : -errno;

	if (attachment->pin_path[0] && unlink(attachment->pin_path) != 0 && errno != ENOENT && !r)
		r = -errno;
	return r;
}

int tcx_remove_pinned(const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct tcx_attach_point point = { 0 };

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (read_attach_point(fd, &point) != 0 || point.type != TCX_LINK_TYPE)
		return 0;
	/* Only links can be detached: the type alone does not tell them from programs and maps. */
	if (bpf_link_detach(fd) != 0)
		return errno == EINVAL ? 0 : -errno;
	return unlink(path) == 0 || errno == ENOENT ? 1 : -errno;
}

int tcx_prune_pinned(const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct tcx_attach_point point = { 0 };

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (read_attach_point(fd, &point) != 0 || point.type != TCX_LINK_TYPE || point.ifindex != 0)
		return 0;
	/*
	 * Fails for other objects: the type alone does not tell. A detached link may be detached
	 * again.
	 */
	if (bpf_link_detach(fd) != 0)
		return 0;
	return unlink(path) == 0 || errno == ENOENT ? 1 : -errno;
}
