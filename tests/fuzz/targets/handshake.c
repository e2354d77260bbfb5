// SPDX-License-Identifier: Apache-2.0
/*
 * bpf/parse/wireguard.h: the input is an offset and a size (2 bytes each) and a packet. A message
 * found lies in the packet, has the size of its type, and begins with the bytes of its type.
 */
#include "kernel.h"

#include "bpf/parse/wireguard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct __sk_buff skb = {};
	uint32_t offset, length, type;

	if (size < 4)
		return 0;
	offset = data[0] | data[1] << 8;
	length = data[2] | data[3] << 8;
	packet_bytes = data + 4;
	skb.len = (uint32_t)size - 4;
	type = handshake_read(&skb, offset, length);
	CHECK(type <= WIREGUARD_RESPONSE, "%u", type);
	if (!type)
		return 0;
	CHECK(offset + length <= skb.len);
	CHECK(length ==
	      (type == WIREGUARD_INITIATION ? WIREGUARD_INITIATION_SIZE : WIREGUARD_RESPONSE_SIZE));
	CHECK(packet_bytes[offset] == type && !packet_bytes[offset + 1] &&
	      !packet_bytes[offset + 2] && !packet_bytes[offset + 3]);
	return 0;
}
