// SPDX-License-Identifier: Apache-2.0
/*
 * userspace/collector/discovery/pods.c: a name that is taken for kubelet's, put together again from
 * what was read, is the same to the byte. The input is one name.
 */
#include "fuzz.h"

#include "collector/discovery/pods.h"

static void check_name(const char *text, size_t size, const char *others)
{
	CHECK(memchr(text, '\0', size) && text[0]);
	CHECK(text[strspn(text, others)] == '\0', "%s", text);
	CHECK(text[0] != '-' && text[0] != '.' && text[strlen(text) - 1] != '-' &&
	      text[strlen(text) - 1] != '.');
	CHECK(!strstr(text, "..") && !strstr(text, ".-") && !strstr(text, "-."), "%s", text);
}

#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789-"

static void check_record(const struct pod_record *record, const char *name, const char *again)
{
	check_name(record->namespace, sizeof(record->namespace), LABEL);
	check_name(record->pod, sizeof(record->pod), LABEL ".");
	check_name(record->key, sizeof(record->key), "0123456789abcdef-");
	CHECK(!strcmp(again, name), "%s is %s", name, again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = fuzz_string(data, size), again[1024];
	struct pod_record record;

	if (pod_folder_parse(name, &record)) {
		CHECK(!record.container[0]);
		snprintf(again, sizeof(again), "%s_%s_%s", record.namespace, record.pod,
			 record.key);
		check_record(&record, name, again);
	}
	if (container_link_parse(name, &record)) {
		check_name(record.container, sizeof(record.container), LABEL);
		CHECK(strlen(record.key) == 64);
		snprintf(again, sizeof(again), "%s_%s_%s-%s.log", record.pod, record.namespace,
			 record.container, record.key);
		check_record(&record, name, again);
	}
	free(name);
	return 0;
}
