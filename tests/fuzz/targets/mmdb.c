// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/destinations/geoip.c: a file that says anything; a country is two letters or
 * unknown.
 */
#include "fuzz.h"

#include <sys/mman.h>

#include "collector/destinations/geoip.h"
#include "collector/kernel/destination_country.h"

/*
 * libmaxminddb 1.7.1 keeps 4,640 bytes of a file whose metadata is cut: geoip.c tries no broken
 * file twice.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb.so";
}

static void check_country(MMDB_s *database, const uint8_t bytes[16])
{
	char code[ABI_COUNTRY_SIZE];
	__u64 address[2];

	memcpy(address, bytes, sizeof(address));
	geoip_country(database, address, code);
	if (strcmp(code, COUNTRY_UNKNOWN) != 0)
		CHECK(strlen(code) == 2 && code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' &&
		      code[1] <= 'Z');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	MMDB_s database;
	int r;

	CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	r = geoip_load(&database, fd);
	close(fd);
	CHECK(r <= 0);
	if (r)
		return 0;
	for (unsigned int i = 0; i < 256; i++) {
		const uint8_t four[16] = {
			[10] = 0xff, [11] = 0xff, [12] = (uint8_t)i, [13] = 99, [15] = 1
		};
		uint8_t six[16] = { (uint8_t)i, 0x99, [15] = (uint8_t)i };

		check_country(&database, four);
		check_country(&database, six);
	}
	MMDB_close(&database);
	return 0;
}
