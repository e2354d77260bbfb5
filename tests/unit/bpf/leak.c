// SPDX-License-Identifier: Apache-2.0
/* bpf/leak.h: the destinations of --leak.allow, checked by comparing prefixes bit by bit. */
#include "kernel.h"

/* The loader sets them; here the test does. */
#define leak_allow leak_allow_of_the_loader
#define leak_allow_count leak_allow_count_of_the_loader
#include "bpf/maps.h"
#undef leak_allow
#undef leak_allow_count
static struct leak_network leak_allow[ABI_LEAK_ALLOW_MAX];
static __u32 leak_allow_count;
#include "bpf/leak.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* <arpa/inet.h> has types that vmlinux.h has too. */
#define AF_INET 2
#define AF_INET6 10
int inet_pton(int family, const char *text, void *to);

static void address_read(__u8 *to, const char *text)
{
	memset(to, 0, 16);
	if (inet_pton(AF_INET, text, to + 12) == 1)
		memset(to + 10, 0xff, 2);
	else
		cr_assert_eq(inet_pton(AF_INET6, text, to), 1, "%s", text);
}

static void allow(const char *text, int prefix)
{
	__u8 address[16], mask[16] = {};

	address_read(address, text);
	for (int bit = 0; bit < prefix; bit++)
		mask[bit / 8] |= 0x80 >> bit % 8;
	for (int i = 0; i < 16; i++)
		address[i] &= mask[i];
	memcpy(leak_allow[leak_allow_count].address, address, 16);
	memcpy(leak_allow[leak_allow_count++].mask, mask, 16);
}

static int allowed(const char *text)
{
	__u8 address[16];

	address_read(address, text);
	return leak_allowed(address);
}

Test(leak_allowed, nothing_by_default)
{
	cr_expect_not(allowed("0.0.0.0"));
	cr_expect_not(allowed("::"));
	cr_expect_not(allowed("192.0.2.1"));
}

Test(leak_allowed, each_of_the_list_and_nothing_else)
{
	allow("10.0.0.0", 96 + 8);
	allow("192.0.2.1", 128);
	allow("2001:db8::", 32);
	for (int i = 3; i < ABI_LEAK_ALLOW_MAX - 1; i++)
		allow("198.51.100.1", 128);
	allow("2001:db9::5", 128);
	cr_assert_eq(leak_allow_count, ABI_LEAK_ALLOW_MAX);
	cr_expect(allowed("10.255.255.255"));
	cr_expect_not(allowed("11.0.0.0"));
	cr_expect(allowed("192.0.2.1"));
	cr_expect_not(allowed("192.0.2.0"));
	cr_expect(allowed("2001:db8:ffff::1"));
	cr_expect_not(allowed("2001:dba::"));
	cr_expect(allowed("2001:db9::5"), "the last");
	cr_expect_not(allowed("2001:db9::4"));
	cr_expect_not(allowed("::a00:1"), "::10.0.0.1 is no IPv4 address");
}

Test(leak_allowed, all_of_one_family_is_nothing_of_the_other)
{
	allow("::", 0);
	cr_expect(allowed("2001:db8::1"));
	cr_expect_not(allowed("192.0.2.1"));
	leak_allow_count = 0;
	allow("0.0.0.0", 96);
	cr_expect_not(allowed("2001:db8::1"));
	cr_expect(allowed("192.0.2.1"));
}

Test(leak_allowed, every_length)
{
	for (int prefix = 0; prefix <= 128; prefix++) {
		leak_allow_count = 0;
		allow("2001:db8:1234:5678:9abc:def0:1234:5678", prefix);
		for (int bit = 0; bit < 128; bit++) {
			__u8 address[16];

			address_read(address, "2001:db8:1234:5678:9abc:def0:1234:5678");
			address[bit / 8] ^= 0x80 >> bit % 8;
			cr_expect_eq(leak_allowed(address), bit >= prefix, "/%d, bit %d differs",
				     prefix, bit);
		}
	}
}
