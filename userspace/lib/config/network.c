// SPDX-License-Identifier: Apache-2.0
/* Networks in CIDR notation. */
#include "lib/config/option.h"

#include <arpa/inet.h>
#include <string.h>

#define MAPPED_BITS 96 /* length of ::ffff:0:0/96, the prefix of IPv4-mapped addresses */

static int network_parse(struct option_reader *reader, struct config_network *network,
			 const char *text)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char host[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "/");
	unsigned long prefix, longest;

	if (length >= sizeof(host))
		return option_refuse(
			reader, "must be networks such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32");
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, network->address + sizeof(mapped)) == 1) {
		memcpy(network->address, mapped, sizeof(mapped));
		longest = 32;
	} else if (inet_pton(AF_INET6, host, network->address) == 1) {
		longest = 128;
	} else {
		return option_refuse(
			reader, "must be networks such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32");
	}
	prefix = longest;
	if (text[length] && number_parse(&prefix, text + length + 1, 0, longest))
		return option_refuse(reader, longest == 32
						     ? "the IPv4 prefix length must be 0 to 32"
						     : "the IPv6 prefix length must be 0 to 128");
	if (longest == 32)
		prefix += MAPPED_BITS;
	for (unsigned int i = 0; i < sizeof(network->mask);
	     i++, prefix -= prefix < 8 ? prefix : 8) {
		network->mask[i] = prefix < 8 ? (uint8_t)(0xff00 >> prefix) : 0xff;
		network->address[i] &= network->mask[i];
	}
	return 0;
}

static int network_add(struct option_reader *reader, const char *part)
{
	struct config *config = reader->config;
	struct config_network network = {};
	int r = network_parse(reader, &network, part);

	if (r)
		return r;
	for (unsigned int i = 0; i < config->leak_allow_count; i++)
		if (!memcmp(&config->leak_allow[i], &network, sizeof(network)))
			return 0;
	if (config->leak_allow_count == CONFIG_LEAK_ALLOW_MAX)
		return option_refuse(reader, "must be at most 16 networks");
	config->leak_allow[config->leak_allow_count++] = network;
	return 0;
}

int read_leak_allow(struct option_reader *reader, unsigned int data, const char *value)
{
	return list_read(reader, value, network_add);
}
