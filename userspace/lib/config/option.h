/* SPDX-License-Identifier: Apache-2.0 */
/* The table of options, and the readers of their values. */
#pragma once

#include <errno.h>
#include <stdio.h>

#include "lib/config/config.h"

struct option_reader {
	struct config *config;
	const char *why; /* why a value is refused, and what is accepted: a string literal */
	FILE *notices;	 /* lines "SETTING\tREASON", logged once the log is set up */
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
	const char *argument; /* NULL: a switch, with --no-FLAG; its variable is true or false */
	enum option_group group;
	const char *help;
	option_read read;
	unsigned int data;  /* for `read` */
	const char *legacy; /* variable of the legacy exporter; NULL: none */
	option_read read_legacy;
};

extern const struct option_row OPTION_ROWS[];
extern const unsigned int OPTION_COUNT;

/*
 * Readers of values (values.c, listen.c, network.c). read_switch: `data` is the offset of a bool in
 * struct config. read_collector: enum config_collector. The others ignore it.
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
 * Calls `each` for the entries of a comma-separated list, without the blanks around them. Returns 0
 * or the first error.
 */
int list_read(struct option_reader *reader, const char *value,
	      int (*each)(struct option_reader *reader, const char *part));

/* Parses decimal digits only, from min to max. Returns 0 or -EINVAL. */
int number_parse(unsigned long *number, const char *text, unsigned long min, unsigned long max);
