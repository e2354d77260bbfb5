/* SPDX-License-Identifier: Apache-2.0 */
/* The stub: a few instructions per attachment, that tell the shared packet programs where they are. */
#pragma once

#include <stdint.h>

#include <wgsocks/abi.h>

struct stub_spec {
	uint32_t slot;
	uint32_t l2_header_length;
	enum abi_packet_program program; /* index in the PROG_ARRAY */
	int programs_fd;		 /* the PROG_ARRAY `packet_programs` */
};

/*
 * Loads a program that leaves ABI_STUB_CB in skb->cb[4] and tail-calls the program of that index; while there is none,
 * the packet just goes on. What it calls must be of SEC("tc"): newer kernels refuse an array whose programs differ in
 * expected attach type. Returns a descriptor that the caller owns (an attachment keeps the program by itself), or
 * -errno
 * (-ERANGE: slot or length do not fit into cb[4]).
 */
int stub_load(const struct stub_spec *spec);
