/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The countries of addresses, by an MMDB file (libmaxminddb). The file may be missing, broken,
 * replaced or cut at any time: what is read is a copy of our own that nothing changes.
 */
#pragma once

#include <maxminddb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <wgsocks/abi.h>

#define GEOIP_BYTES_MAX (256u << 20)

struct geoip {
	const char *path;
	bool loaded;
	int error;	   /* of the last attempt: -errno, said once */
	struct stat tried; /* the file that was loaded, or could not be */
	uint64_t retry_at_ns;
	MMDB_s database;
};

/*
 * Looks whether the file is another one than last time, and loads it then. Returns whether another
 * one was loaded.
 */
bool geoip_refresh(struct geoip *geoip, uint64_t now_ns);

/* Loads a copy of an open file. Returns 0 or -errno (-EBADMSG: no MMDB). */
int geoip_load(MMDB_s *database, int fd);

/* ISO 3166's code of two letters, of `country` or else `registered_country`; COUNTRY_UNKNOWN. */
void geoip_country(MMDB_s *database, const __u64 address[2], char code[static ABI_COUNTRY_SIZE]);

void geoip_close(struct geoip *geoip);
