/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet program on one interface of the current network namespace, in one direction: a TCX
 * link (Linux 6.6+) or a clsact filter. Ours runs first, always passes the packet on, and neither
 * way touches what others have attached.
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
	int stub_fd; /* stays the caller's, who may close it afterwards */
	uint32_t
		instance; /* attach_instance(): who "we" are among several of us on one interface */
	const char *pin_path; /* of the TCX link, in a folder that exists; NULL: the link ends with
				 the process */
};

struct attachment {
	uint32_t ifindex;
	enum attach_direction direction;
	enum config_attach mode; /* in use: CONFIG_ATTACH_TCX or CONFIG_ATTACH_CLSACT;
				    CONFIG_ATTACH_AUTO: not open */
	bool taken_over; /* it was there already (an earlier process of this instance); else it was
			    created */
	bool qdisc_created; /* clsact: the qdisc was missing, we made it */
	uint16_t priority;  /* clsact */
	uint32_t instance;  /* clsact: the handle of the filter */
	int link_fd;	    /* TCX; -1 else */
	char pin_path[CONFIG_PATH_SIZE];
};

/* The number of an instance from its name (the pin folder's: "node", a netns cookie); never 0. */
uint32_t attach_instance(const char *name);

/*
 * Attaches the stub, or takes over what an earlier process of the same instance left there: its
 * program is exchanged for this one in place, without a packet lost or seen twice. A pinned link
 * whose interface is gone is replaced. CONFIG_ATTACH_AUTO takes clsact when the kernel has no TCX.
 * Takes 12 ms for a new TCX link, else well below 1 ms. Returns 0; -ENODEV: no such interface;
 * -EBUSY: clsact's place is held by a qdisc `ingress`, which has no egress; -ENAMETOOLONG:
 * pin_path; or the kernel's -errno.
 */
int attachment_open(struct attachment *attachment, const struct attachment_spec *spec);

/*
 * Whether it is still attached: 1, 0 (the interface is gone, or somebody removed the filter or the
 * qdisc) or -errno.
 */
int attachment_alive(const struct attachment *attachment);

/* Lets go of what this process holds. What is pinned, and a clsact filter, stays attached. */
void attachment_close(struct attachment *attachment);

/*
 * Detaches and unpins, then closes. With clsact only our filter goes, and the qdisc if we made it
 * (or an earlier process of this instance) and nobody has a filter in it. Returns 0 also when it
 * was gone already, else -errno (closed all the same).
 */
int attachment_remove(struct attachment *attachment);

/*
 * Its interface went with its network namespace: unpins and closes. Nothing is detached, which
 * would wait for the RTNL lock, that the kernel holds for as long as it takes namespaces apart.
 */
void attachment_forget(struct attachment *attachment);

/*
 * For --detach: removes each of our clsact filters of `instance` (0: of any instance) on all
 * interfaces of the current network namespace, and detaches and unpins each TCX link in the folder
 * pin_folder (may be NULL; a missing one is fine). Returns the number removed, or the first -errno
 * after having tried all.
 */
int attach_sweep(uint32_t instance, const char *pin_folder);

/* Detaches and unpins each TCX link in this folder. Returns their number, or the first -errno. */
int attach_unpin_all(const char *pin_folder);

/*
 * At start: unpins the TCX links in `pin_folder` whose interface went while nobody looked; nothing
 * would ever take them over. Returns their number (0 when there is no such folder) or the first
 * -errno.
 */
int attach_prune(const char *pin_folder);

/*
 * The stub: a few instructions per attachment, that tell the shared packet programs where they are.
 */

struct stub_spec {
	uint32_t slot;
	uint32_t l2_header_length;
	enum abi_packet_program program; /* index in the PROG_ARRAY */
	int programs_fd;		 /* the PROG_ARRAY `packet_programs` */
};

/*
 * Loads a program that leaves ABI_STUB_CB in skb->cb[4] and tail-calls the program of that index;
 * while there is none, the packet just goes on. What it calls must be of SEC("tc"): newer kernels
 * refuse an array whose programs differ in expected attach type. Returns a descriptor that the
 * caller owns (an attachment keeps the program by itself), or -errno
 * (-ERANGE: slot or length do not fit into cb[4]).
 */
int stub_load(const struct stub_spec *spec);
