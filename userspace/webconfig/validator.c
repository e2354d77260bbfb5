// SPDX-License-Identifier: Apache-2.0
#include "webconfig/validator.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/log/log.h"
#include "lib/rights/rights.h"
#include "lib/tls/tls.h"
#include "webconfig/validate.h"

#define SECONDS_MAX 10
#define VALIDATOR_FD 3

static const int syscalls[] = {
	SCMP_SYS(read),	      SCMP_SYS(recvfrom),     LOG_SYSCALLS,	  SCMP_SYS(close),
	SCMP_SYS(getrandom),  SCMP_SYS(brk),	      SCMP_SYS(mmap),	  SCMP_SYS(munmap),
	SCMP_SYS(mremap),     SCMP_SYS(madvise),      SCMP_SYS(mprotect), SCMP_SYS(futex),
	SCMP_SYS(time),	      SCMP_SYS(gettimeofday), SCMP_SYS(getpid),	  SCMP_SYS(rt_sigreturn),
	SCMP_SYS(exit_group),
};

struct reply {
	int error;
	uint32_t size;
};

static int all_send(int fd, const void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t sent = send(fd, (const char *)data + done, size - done, MSG_NOSIGNAL);

		if (sent <= 0)
			return sent < 0 ? -errno : -EPIPE;
		done += (size_t)sent;
	}
	return 0;
}

static int all_receive(int fd, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = recv(fd, (char *)data + done, size - done, 0);

		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		done += (size_t)got;
	}
	return 0;
}

int validator_name_receive(int fd, char *name)
{
	uint32_t length;
	int r = all_receive(fd, &length, sizeof(length));

	if (r)
		return r;
	if (length >= VALIDATION_PATH_SIZE)
		return -EBADMSG;
	name[length] = '\0';
	return all_receive(fd, name, length);
}

int validator_file_send(int fd, int error, const char *data, size_t size)
{
	struct reply reply = { .error = error, .size = error ? 0 : (uint32_t)size };
	int r = all_send(fd, &reply, sizeof(reply));

	return r ? r : all_send(fd, data, reply.size);
}

static _Noreturn void fail(const char *path, const char *why)
{
	log_error("invalid web configuration", field_text("path", path), field_text("error", why));
	_exit(EXIT_FAILURE);
}

/* Asks the parent for a named file, or takes the inline PEM. */
static struct pem file_ask(int fd, const char *path, const struct settings *s,
			   enum settings_pem pem)
{
	uint32_t length = s->file[pem] ? (uint32_t)strlen(s->file[pem]) : 0;
	struct reply reply;
	char *data;

	if (length >= VALIDATION_PATH_SIZE)
		fail(path, "file name is too long");
	if (all_send(fd, &length, sizeof(length)) || all_send(fd, s->file[pem], length))
		_exit(VALIDATOR_SILENT);
	if (!length)
		return (struct pem){ .data = s->text[pem],
				     .size = s->text[pem] ? strlen(s->text[pem]) : 0 };
	if (all_receive(fd, &reply, sizeof(reply)))
		_exit(VALIDATOR_SILENT);
	if (reply.error) {
		char key[32];

		snprintf(key, sizeof(key), "%s_file", settings_pem_key(pem));
		log_error("cannot read file named in web configuration", field_text("setting", key),
			  field_text("path", s->file[pem]),
			  field_text("error", file_error(-reply.error)));
		_exit(EXIT_FAILURE);
	}
	data = malloc((size_t)reply.size + 1);
	if (!data || all_receive(fd, data, reply.size))
		_exit(VALIDATOR_SILENT);
	return (struct pem){ .data = data, .size = reply.size };
}

/* Drops all rights. A file of bounded size needs much less than SECONDS_MAX. */
static void bound(void)
{
	alarm(SECONDS_MAX);
	if (rights_drop_all() || rights_seccomp(syscalls, sizeof(syscalls) / sizeof(*syscalls))) {
		log_error("cannot drop rights of the web configuration validator");
		_exit(EXIT_FAILURE);
	}
}

_Noreturn void validator_run(int fd, const char *path, const char *config, size_t size, bool notes)
{
	struct pem pems[PEM_MAX];
	char why[SETTINGS_WHY];
	struct settings *settings;

	/* Keep no other descriptor of the parent, above all not the bundle that web reads. */
	fd = dup2(fd, VALIDATOR_FD);
	close_range(VALIDATOR_FD + 1, ~0u, 0);
	bound();
	settings = settings_parse(config, size, why);
	if (!settings)
		fail(path, why);
	for (int i = 0; i < PEM_MAX; i++)
		pems[i] = file_ask(fd, path, settings, (enum settings_pem)i);
	if (settings_tls(settings) && !tls_open(settings, pems, time(NULL), why))
		fail(path, why);
	for (size_t i = 0; notes && i < settings->note_count; i++)
		log_warn("web configuration setting has no effect", field_text("path", path),
			 field_text("detail", settings->notes[i]));
	_exit(EXIT_SUCCESS);
}
