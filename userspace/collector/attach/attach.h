/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaches one packet program to one interface of the current network namespace, in one direction.
 * The attachment is a TCX link (Linux 6.6 and later) or a clsact filter. Our program runs first and
 * always passes the packet on. Programs and filters of other owners stay untouched.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/config/config.h"
#include <wgsocks/abi.h>

enum attach_direction { ATTACH_INGRESS, ATTACH_EGRESS };

struct attachment_spec {
	uint32_t ifindex;
	enum attach_direction direction;
	enum config_attach mode;
	int stub_fd;	   /* borrowed; the caller may close it after the call */
	uint32_t instance; /* attach_instance(); tells our instances on one interface apart */
	/* Of the TCX link, in an existing folder; NULL: the link ends with the process */
	const char *pin_path;
};

struct attachment {
	uint32_t ifindex;
	enum attach_direction direction;
	/* In use: CONFIG_ATTACH_TCX or CONFIG_ATTACH_CLSACT; CONFIG_ATTACH_AUTO: not open */
	enum config_attach mode;
	bool taken_over; /* true: an earlier process of this instance attached it; false: created */
	bool qdisc_created; /* clsact: we created the qdisc */
	uint16_t priority;  /* clsact */
	uint32_t instance;  /* clsact: handle of the filter */
	int link_fd;	    /* TCX; otherwise -1 */
	char pin_path[CONFIG_PATH_SIZE];
};

/* Returns the number of an instance from its name ("node" or a netns cookie); never 0. */
uint32_t attach_instance(const char *name);

/*
 * Attaches the stub. If an earlier process of the same instance left an attachment, replaces its
 * program in place: no packet is lost or seen twice. Replaces a pinned link whose interface is
 * gone. CONFIG_ATTACH_AUTO uses clsact if the kernel has no TCX. Takes 12 ms for a new TCX link,
 * otherwise well below 1 ms.
 * Returns 0 or -errno. -ENODEV: no such interface. -EBUSY: the interface has an `ingress` qdisc,
 * which has no egress. -ENAMETOOLONG: pin_path is too long.
 */
int attachment_open(struct attachment *attachment, const struct attachment_spec *spec);

/*
 * Returns 1 if the program is still attached, 0 if not (the interface is gone, or the filter or the
 * qdisc was removed), or -errno.
 */
int attachment_alive(const struct attachment *attachment);

/* Releases the resources of this process. A pinned link and a clsact filter stay attached. */
void attachment_close(struct attachment *attachment);

/*
 * Detaches, unpins and closes. With clsact, removes only our filter; removes the qdisc if this
 * instance created it and it has no filter left. Returns 0, also if it was already gone, or -errno
 * (closed in any case).
 */
int attachment_remove(struct attachment *attachment);

/*
 * Unpins and closes after the interface was destroyed with its network namespace. Does not detach:
 * that would wait for the RTNL lock, which the kernel holds while it destroys namespaces.
 */
void attachment_forget(struct attachment *attachment);

/*
 * For --detach: removes our clsact filters of `instance` (0: of all instances) on all interfaces of
 * the current network namespace. Detaches and unpins each TCX link in the folder pin_folder, which
 * may be NULL or missing. Returns the number removed; after an error it tries the rest and returns
 * the first -errno.
 */
int attach_sweep(uint32_t instance, const char *pin_folder);

/*
 * Detaches and unpins each TCX link in this folder. Returns the number of links, or the first
 * -errno.
 */
int attach_unpin_all(const char *pin_folder);

/*
 * At start: unpins the TCX links in `pin_folder` whose interface is gone; no process would ever
 * reuse them. Returns the number of links (0 if there is no such folder) or the first -errno.
 */
int attach_prune(const char *pin_folder);

/*
 * A stub is a program of a few instructions for each attachment. It tells the shared packet
 * programs which attachment runs them.
 */

struct stub_spec {
	uint32_t slot;
	uint32_t l2_header_length;
	enum abi_packet_program program; /* index in the PROG_ARRAY */
	int programs_fd;		 /* the PROG_ARRAY `packet_programs` */
};

/*
 * Loads a program that stores ABI_STUB_CB in skb->cb[4] and tail-calls the program with that index.
 * If the index is empty, the packet passes. The called programs must be SEC("tc"): newer kernels
 * refuse an array whose programs differ in expected attach type. Returns a descriptor that the
 * caller owns and may close after attaching; -ERANGE: slot or length do not fit into cb[4]; or
 * another -errno.
 */
int stub_load(const struct stub_spec *spec);
