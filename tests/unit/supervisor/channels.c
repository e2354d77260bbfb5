// SPDX-License-Identifier: Apache-2.0
#include "supervisor/channels.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static struct channels channels = CHANNELS_NONE;

static void setup(void)
{
	cr_assert_eq(channels_open(&channels, true), 0);
}

TestSuite(channels, .init = setup);

Test(channels, keeps_messages_apart_and_never_blocks)
{
	char bytes[8];

	cr_assert_eq(send(channels.web, "ab", 2, 0), 2);
	cr_assert_eq(send(channels.web, "c", 1, 0), 1);
	cr_expect_eq(recv(channels.collector, bytes, sizeof(bytes), 0), 2);
	cr_expect_eq(recv(channels.collector, bytes, sizeof(bytes), 0), 1);
	cr_expect_eq(recv(channels.collector, bytes, sizeof(bytes), 0), -1);
	cr_expect_eq(errno, EAGAIN);
}

Test(channels, reader_sees_what_is_written_but_cannot_write)
{
	char byte = 0;

	cr_assert_eq(ftruncate(channels.snapshot, 4096), 0);
	cr_assert_eq(pwrite(channels.snapshot, "x", 1, 100), 1);
	cr_expect_eq(pread(channels.snapshot_reader, &byte, 1, 100), 1);
	cr_expect_eq(byte, 'x');
	cr_expect_eq(pwrite(channels.snapshot_reader, "y", 1, 100), -1);
	cr_expect_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, channels.snapshot_reader, 0),
		     MAP_FAILED);
	cr_expect_eq(fcntl(channels.snapshot_reader, F_ADD_SEALS, F_SEAL_WRITE), -1, "nor seal");
}

Test(channels, memory_grows_but_never_shrinks)
{
	cr_expect_eq(ftruncate(channels.snapshot, 8192), 0);
	cr_expect_eq(ftruncate(channels.snapshot, 4096), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(ftruncate(channels.snapshot, 65536), 0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* A child has only its own descriptors. */
static void expect_taken(enum process process, bool web, bool collector, bool writer, bool reader)
{
	struct channels before = channels;
	struct child child = { .process = process };

	channels_take(&channels, &child);
	cr_expect_eq(is_open(before.web), web);
	cr_expect_eq(is_open(before.collector), collector);
	cr_expect_eq(is_open(before.snapshot), writer);
	cr_expect_eq(is_open(before.snapshot_reader), reader);
	cr_expect_eq(child.channel, web ? before.web : collector ? before.collector : -1);
	cr_expect_eq(child.snapshot, writer   ? before.snapshot
				     : reader ? before.snapshot_reader
					      : -1);
}

Test(channels, health_gets_nothing)
{
	expect_taken(PROCESS_HEALTH, false, false, false, false);
}

Test(channels, web_gets_its_end_and_the_reader)
{
	expect_taken(PROCESS_WEB, true, false, false, true);
}

Test(channels, collector_gets_its_end_and_the_writer)
{
	expect_taken(PROCESS_COLLECTOR, false, true, true, false);
}
