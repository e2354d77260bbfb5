/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Countries of addresses, from an MMDB file (libmaxminddb). The file can be missing, broken,
 * replaced or truncated at any time: lookups use a private copy.
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
	int error;	   /* of the last attempt (-errno), logged once */
	struct stat tried; /* the file of the last attempt */
	uint64_t retry_at_ns;
	MMDB_s database;
};

/* Loads the file if it has changed. Returns whether a new database was loaded. */
bool geoip_refresh(struct geoip *geoip, uint64_t now_ns);

/* Loads a copy of an open file. Returns 0 or -errno (-EBADMSG: not an MMDB file). */
int geoip_load(MMDB_s *database, int fd);

/*
 * Writes the ISO 3166 code (two letters) of `country`, or if missing of `registered_country`, or
 * COUNTRY_UNKNOWN.
 */
void geoip_country(MMDB_s *database, const __u64 address[2], char code[static ABI_COUNTRY_SIZE]);

void geoip_close(struct geoip *geoip);
