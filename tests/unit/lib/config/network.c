// SPDX-License-Identifier: Apache-2.0
/* --leak.allow: networks, IPv4 mapped. */
#include "parse.h"

#include <arpa/inet.h>

static void expect_network(unsigned int index, const char *address, const char *mask)
{
	char text[INET6_ADDRSTRLEN];

	cr_assert_lt(index, config.leak_allow_count);
	inet_ntop(AF_INET6, config.leak_allow[index].address, text, sizeof(text));
	cr_expect_str_eq(text, address);
	inet_ntop(AF_INET6, config.leak_allow[index].mask, text, sizeof(text));
	cr_expect_str_eq(text, mask);
}

Test(network, both_families)
{
	cr_assert_eq(PARSE("--leak.allow=10.0.0.0/8, 192.0.2.1 ,2001:db8::/32",
			   "--leak.allow=2001:db8::5,0.0.0.0/0"),
		     0);
	cr_assert_eq(config.leak_allow_count, 5);
	expect_network(0, "::ffff:10.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ff00:0");
	expect_network(1, "::ffff:192.0.2.1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	expect_network(2, "2001:db8::", "ffff:ffff::");
	expect_network(3, "2001:db8::5", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	expect_network(4, "::ffff:0.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff::");
}

Test(network, none_is_the_default)
{
	cr_assert_eq(PARSE_NOTHING(), 0);
	cr_expect_eq(config.leak_allow_count, 0);
}

Test(network, by_variable)
{
	ENVIRONMENT("WGSOCKS_LEAK_ALLOW=192.0.2.0/24");
	cr_assert_eq(PARSE_NOTHING(), 0);
	expect_network(0, "::ffff:192.0.2.0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00");
}

/* Bits outside the mask are dropped, and duplicates count once. */
Test(network, host_bits)
{
	cr_assert_eq(PARSE("--leak.allow=10.1.2.3/8,10.0.0.0/8,10.200.0.0/9,2001:db8::1/33"), 0);
	cr_assert_eq(config.leak_allow_count, 3);
	expect_network(0, "::ffff:10.0.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ff00:0");
	expect_network(1, "::ffff:10.128.0.0", "ffff:ffff:ffff:ffff:ffff:ffff:ff80:0");
	expect_network(2, "2001:db8::", "ffff:ffff:8000::");
}

Test(network, every_length)
{
	for (int length = 0; length <= 128; length++) {
		char flag[64];
		int bits = 0;

		snprintf(flag, sizeof(flag),
			 "--leak.allow=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/%d", length);
		cr_assert_eq(PARSE(flag), 0);
		cr_assert_arr_eq(config.leak_allow[0].address, config.leak_allow[0].mask, 16);
		for (int i = 0; i < 128; i++) {
			bool set = config.leak_allow[0].mask[i / 8] & 0x80 >> i % 8;

			cr_assert_eq(set, i < length, "/%d: bit %d", length, i);
			bits += set;
		}
		cr_assert_eq(bits, length);
	}
}

Test(network, refused)
{
#define NOT "must be networks such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32"
	expect_refused(PARSE("--leak.allow=resolver.example"),
		       "--leak.allow=resolver.example: " NOT);
	expect_refused(PARSE("--leak.allow=10.0.0/8"), "--leak.allow=10.0.0/8: " NOT);
	expect_refused(PARSE("--leak.allow=10.0.0.0/8,"), "--leak.allow=10.0.0.0/8,: " NOT);
	expect_refused(PARSE("--leak.allow="), "--leak.allow=\"\": " NOT);
	expect_refused(PARSE("--leak.allow=/8"), "--leak.allow=/8: " NOT);
	expect_refused(PARSE("--leak.allow=fe80::1%eth0"), "--leak.allow=fe80::1%eth0: " NOT);
	expect_refused(PARSE("--leak.allow=10.0.0.0/33"),
		       "--leak.allow=10.0.0.0/33: the IPv4 prefix length must be 0 to 32");
	expect_refused(PARSE("--leak.allow=10.0.0.0/"),
		       "--leak.allow=10.0.0.0/: the IPv4 prefix length must be 0 to 32");
	expect_refused(PARSE("--leak.allow=::/129"),
		       "--leak.allow=::/129: the IPv6 prefix length must be 0 to 128");
	expect_refused(PARSE("--leak.allow=::/-1"),
		       "--leak.allow=::/-1: the IPv6 prefix length must be 0 to 128");
	expect_refused(PARSE("--leak.allow=1.0.0.0,2.0.0.0,3.0.0.0,4.0.0.0,5.0.0.0,6.0.0.0,7.0.0.0,"
			     "8.0.0.0",
			     "--leak.allow=9.0.0.0,10.0.0.0,11.0.0.0,12.0.0.0,13.0.0.0,14.0.0.0,15."
			     "0.0.0,16.0.0.0",
			     "--leak.allow=17.0.0.0"),
		       "--leak.allow=17.0.0.0: must be at most 16 networks");
}
