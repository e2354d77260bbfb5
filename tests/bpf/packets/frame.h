/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds packets, header by header.
 *
 * Without an Ethernet header, the kernel's test run still reads an Ethernet protocol at byte 12.
 * That byte is in the source address, so all our addresses hold the protocol there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 3072
#define FRAME_TCP_FIN 0x01
#define FRAME_TCP_SYN 0x02
#define FRAME_TCP_RST 0x04
#define FRAME_TCP_ACK 0x10

struct frame {
	size_t length;
	size_t network, transport,
		payload; /* where they begin; transport is behind extension headers */
	int version;
	uint32_t l2; /* 14 or 0 */
	uint8_t bytes[FRAME_MAX];
};

/* How packets travel: IPv4 or IPv6, with Ethernet's header (14) or none (0). */
struct frame_shape {
	int version;
	uint32_t l2;
	int options;	 /* IPv4: words of options; IPv6: extension headers */
	int tcp_options; /* words */
};

/* The address of a host (its last byte), as IPv6 or mapped. */
void frame_address(uint8_t *to, int version, uint8_t host);

/* L2 and IP; `protocol` is that of the transport. */
void frame_begin(struct frame *frame, const struct frame_shape *shape, uint8_t from, uint8_t to,
		 uint8_t protocol);
void frame_tcp(struct frame *frame, int options, uint16_t from, uint16_t to, uint32_t sequence,
	       uint8_t flags);
void frame_udp(struct frame *frame, uint16_t from, uint16_t to);
void frame_payload(struct frame *frame, const void *bytes, size_t length);

/* Sets the length that the IP header states. */
void frame_end(struct frame *frame);

void frame_put16(struct frame *frame, size_t offset, uint32_t value);
