// SPDX-License-Identifier: Apache-2.0
#include "collector/destinations/geoip.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "collector/kernel/destination_country.h"
#include "lib/cleanup.h"
#include "lib/log/log.h"
#include "lib/time.h"

#define RETRY_NS (30 * NS_PER_S) /* for an unchanged file, unless its content is invalid */

/*
 * Copies the file to sealed memory: libmaxminddb maps the file, and truncating a mapped file kills
 * its reader.
 */
static int copy_make(int from)
{
	_cleanup_close_ int copy = -1;
	struct stat file;
	off_t done = 0;

	if (fstat(from, &file))
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EINVAL;
	if (!file.st_size)
		return -EBADMSG;
	if (file.st_size > (off_t)GEOIP_BYTES_MAX)
		return -EFBIG;
	copy = memfd_create("geoip", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		return -errno;
	while (done < file.st_size) {
		ssize_t n = sendfile(copy, from, &done, (size_t)(file.st_size - done));

		if (n <= 0)
			return n ? -errno : -EBADMSG; /* truncated meanwhile */
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return -errno;
	return TAKE_FD(copy);
}

int geoip_load(MMDB_s *database, int fd)
{
	_cleanup_close_ int copy = copy_make(fd);
	char path[32];
	int status;

	if (copy < 0)
		return copy;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	status = MMDB_open(path, MMDB_MODE_MMAP, database);
	if (status == MMDB_SUCCESS)
		return 0;
	return status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR ? -errno ?: -EIO
	       : status == MMDB_OUT_OF_MEMORY_ERROR			 ? -ENOMEM
									 : -EBADMSG;
}

static const char *error_text(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM: return "permission denied, make the file world-readable";
	case EBADMSG: return "not an MMDB file, or damaged";
	case EINVAL: return "not a regular file";
	case EFBIG: return "larger than 256 MB";
	}
	return strerror(-error);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Logs one line for each new error. */
static void fail(struct geoip *geoip, int error)
{
	if (geoip->loaded)
		MMDB_close(&geoip->database);
	geoip->loaded = false;
	if (geoip->error != error)
		log_warn("cannot use GeoIP database, country metrics are absent",
			 field_text("path", geoip->path), field_text("error", error_text(error)),
			 field_text("action", "retry"));
	geoip->error = error;
}

bool geoip_refresh(struct geoip *geoip, uint64_t now_ns)
{
	_cleanup_close_ int fd = -1;
	struct stat file;
	MMDB_s database = {};
	int r;

	if (stat(geoip->path, &file)) {
		memset(&geoip->tried, 0, sizeof(geoip->tried));
		fail(geoip, -errno);
		return false;
	}
	if (same_file(&file, &geoip->tried) &&
	    (geoip->loaded || geoip->error == -EBADMSG || now_ns < geoip->retry_at_ns))
		return false;
	geoip->tried = file;
	geoip->retry_at_ns = now_ns + RETRY_NS;
	fd = open(geoip->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	r = fd < 0 ? -errno : geoip_load(&database, fd);
	if (r) {
		fail(geoip, r);
		return false;
	}
	if (geoip->loaded)
		MMDB_close(&geoip->database);
	geoip->database = database;
	geoip->loaded = true;
	geoip->error = 0;
	log_info("loaded GeoIP database", field_text("path", geoip->path),
		 field_bytes("type", database.metadata.database_type ?: "?", 64),
		 field_unsigned("build_epoch", database.metadata.build_epoch));
	return true;
}

static bool code_read(MMDB_entry_s *entry, const char *where, char *code)
{
	MMDB_entry_data_s data;

	if (MMDB_get_value(entry, &data, where, "iso_code", NULL) != MMDB_SUCCESS ||
	    !data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size != 2)
		return false;
	for (int i = 0; i < 2; i++) {
		if (data.utf8_string[i] < 'A' || data.utf8_string[i] > 'Z')
			return false;
	}
	memcpy(code, data.utf8_string, 2);
	code[2] = 0;
	return true;
}

void geoip_country(MMDB_s *database, const __u64 address[2], char code[static ABI_COUNTRY_SIZE])
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	const struct sockaddr *any = (const struct sockaddr *)&six;
	MMDB_lookup_result_s result;
	int status;

	memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
	if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
		memcpy(&four.sin_addr, &six.sin6_addr.s6_addr[12], sizeof(four.sin_addr));
		any = (const struct sockaddr *)&four;
	}
	memcpy(code, COUNTRY_UNKNOWN, sizeof(COUNTRY_UNKNOWN));
	result = MMDB_lookup_sockaddr(database, any, &status);
	if (status != MMDB_SUCCESS || !result.found_entry)
		return;
	if (!code_read(&result.entry, "country", code))
		code_read(&result.entry, "registered_country", code);
}

void geoip_close(struct geoip *geoip)
{
	if (geoip->loaded)
		MMDB_close(&geoip->database);
	geoip->loaded = false;
}
