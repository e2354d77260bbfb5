/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of options, and what reads their values. */
#pragma once

#include <errno.h>
#include <stdio.h>

#include "lib/config/config.h"

struct option_reader {
	struct config *config;
	const char *why; /* set when a value is refused: a literal */
	FILE *notices;	 /* "SETTING\tREASON\n" for the log, which is set up only after all was read
			  */
};

static inline int option_refuse(struct option_reader *reader, const char *why)
{
	reader->why = why;
	return -EINVAL;
}

/*
 * Reads a value into the configuration. A list grows with each call. Returns 0, or -EINVAL with
 * `why` set.
 */
typedef int (*option_read)(struct option_reader *reader, unsigned int data, const char *value);

/* In the order of --help. */
enum option_group {
	OPTION_GROUP_PROXY = 1,
	OPTION_GROUP_COLLECTORS,
	OPTION_GROUP_VALUES,
	OPTION_GROUP_WEB,
	OPTION_GROUP_HEALTH,
	OPTION_GROUP_BPF,
	OPTION_GROUP_LOG,
};

struct option_row {
	const char *flag;     /* "log.level"; its variable is WGSOCKS_LOG_LEVEL */
	const char *argument; /* NULL: a switch, with --no-FLAG beside it and true or false as value
				 of its variable */
	enum option_group group;
	const char *help;
	option_read read;
	unsigned int data;  /* for `read` */
	const char *legacy; /* the legacy exporter's variable, NULL */
	option_read read_legacy;
};

extern const struct option_row OPTION_ROWS[];
extern const unsigned int OPTION_COUNT;

/*
 * Readers of values (values.c, listen.c, network.c). `data` is an offset into struct config where
 * nothing else is said.
 */
int read_mode(struct option_reader *reader, unsigned int data, const char *value);
int read_proxy_name(struct option_reader *reader, unsigned int data, const char *value);
int read_interface(struct option_reader *reader, unsigned int data, const char *value);
int read_ports(struct option_reader *reader, unsigned int data, const char *value);
int read_processes(struct option_reader *reader, unsigned int data, const char *value);
int read_pin_path(struct option_reader *reader, unsigned int data, const char *value);
int read_attach(struct option_reader *reader, unsigned int data, const char *value);
int read_proxies_max(struct option_reader *reader, unsigned int data, const char *value);
int read_destinations_max(struct option_reader *reader, unsigned int data, const char *value);
int read_destinations_label(struct option_reader *reader, unsigned int data, const char *value);
int read_geoip_database(struct option_reader *reader, unsigned int data, const char *value);
int read_telemetry_path(struct option_reader *reader, unsigned int data, const char *value);
int read_web_config_file(struct option_reader *reader, unsigned int data, const char *value);
int read_max_requests(struct option_reader *reader, unsigned int data, const char *value);
int read_log_level(struct option_reader *reader, unsigned int data, const char *value);
int read_log_format(struct option_reader *reader, unsigned int data, const char *value);
int read_switch(struct option_reader *reader, unsigned int data, const char *value);
int read_collector(struct option_reader *reader, unsigned int collector, const char *value);
int read_cost(struct option_reader *reader, unsigned int data, const char *value);
int read_leak_allow(struct option_reader *reader, unsigned int data, const char *value);
int read_metrics_address(struct option_reader *reader, unsigned int data, const char *value);
int read_metrics_port(struct option_reader *reader, unsigned int data, const char *value);
int read_health_address(struct option_reader *reader, unsigned int data, const char *value);
int read_health_port(struct option_reader *reader, unsigned int data, const char *value);

/*
 * Calls `each` for the parts of a comma-separated list; blanks around a part are no part of it.
 * Returns 0 or the first error.
 */
int list_read(struct option_reader *reader, const char *value,
	      int (*each)(struct option_reader *reader, const char *part));

/* Decimal digits only, min … max. Returns 0 or -EINVAL. */
int number_parse(unsigned long *number, const char *text, unsigned long min, unsigned long max);
