// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

static uint8_t *frame_grow(struct frame *frame, size_t length)
{
	uint8_t *at = frame->bytes + frame->length;

	if (frame->length + length > FRAME_MAX) {
		fprintf(stderr, "a frame of more than %d bytes\n", FRAME_MAX);
		abort();
	}
	memset(at, 0, length);
	frame->length += length;
	return at;
}

void frame_put16(struct frame *frame, size_t offset, uint32_t value)
{
	frame->bytes[offset] = (uint8_t)(value >> 8);
	frame->bytes[offset + 1] = (uint8_t)value;
}

void frame_address(uint8_t *to, int version, uint8_t host)
{
	static const uint8_t ipv4[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 8, 0, 7 };
	static const uint8_t ipv6[16] = { 0xfd, 0, 0, 1, 0x86, 0xdd, 0, 0, 0, 3, 2 };

	memcpy(to, version == 4 ? ipv4 : ipv6, 16);
	to[15] = host;
}

static void frame_ipv4(struct frame *frame, int options, uint8_t from, uint8_t to, uint8_t protocol)
{
	uint8_t *ip = frame_grow(frame, 20 + (size_t)options * 4), address[16];

	ip[0] = (uint8_t)(0x45 + options);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = protocol;
	frame_address(address, 4, from);
	memcpy(ip + 12, address + 12, 4);
	frame_address(address, 4, to);
	memcpy(ip + 16, address + 12, 4);
	memset(ip + 20, 1, (size_t)options * 4);
}

static void frame_ipv6(struct frame *frame, int extensions, uint8_t from, uint8_t to,
		       uint8_t protocol)
{
	static const uint8_t kinds[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_DSTOPTS };
	uint8_t *ip = frame_grow(frame, 40), *next = ip + 6;

	ip[0] = 0x60;
	ip[7] = 64;
	frame_address(ip + 8, 6, from);
	frame_address(ip + 24, 6, to);
	for (int i = 0; i < extensions; i++) {
		*next = kinds[i % 3];
		next = frame_grow(frame, 8u + (unsigned int)i * 8);
		next[1] = (uint8_t)i;
	}
	*next = protocol;
}

void frame_begin(struct frame *frame, const struct frame_shape *shape, uint8_t from, uint8_t to,
		 uint8_t protocol)
{
	frame->length = 0;
	frame->version = shape->version;
	frame->l2 = shape->l2;
	if (shape->l2) {
		frame_grow(frame, shape->l2);
		frame_put16(frame, 12, shape->version == 4 ? 0x0800 : 0x86dd);
	}
	frame->network = frame->length;
	if (shape->version == 4)
		frame_ipv4(frame, shape->options, from, to, protocol);
	else
		frame_ipv6(frame, shape->options, from, to, protocol);
	frame->transport = frame->payload = frame->length;
}

void frame_tcp(struct frame *frame, int options, uint16_t from, uint16_t to, uint32_t sequence,
	       uint8_t flags)
{
	uint8_t *tcp = frame_grow(frame, 20 + (size_t)options * 4);
	size_t at = frame->transport;

	frame_put16(frame, at, from);
	frame_put16(frame, at + 2, to);
	frame_put16(frame, at + 4, sequence >> 16);
	frame_put16(frame, at + 6, sequence);
	tcp[12] = (uint8_t)((5 + options) << 4);
	tcp[13] = flags;
	memset(tcp + 20, 1, (size_t)options * 4);
	frame->payload = frame->length;
}

void frame_udp(struct frame *frame, uint16_t from, uint16_t to)
{
	frame_grow(frame, 8);
	frame_put16(frame, frame->transport, from);
	frame_put16(frame, frame->transport + 2, to);
	frame->payload = frame->length;
}

void frame_payload(struct frame *frame, const void *bytes, size_t length)
{
	if (length)
		memcpy(frame_grow(frame, length), bytes, length);
}

void frame_end(struct frame *frame)
{
	size_t ip = frame->length - frame->network;

	if (frame->version == 4)
		frame_put16(frame, frame->network + 2, (uint32_t)ip);
	else
		frame_put16(frame, frame->network + 4, (uint32_t)ip - 40);
}
