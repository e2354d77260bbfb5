// SPDX-License-Identifier: Apache-2.0
#include "lib/web_config/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"

#define LISTED_MAX 6 /* accepted words that an error lists: more do not fit into a line */

int yaml_refuse(struct yaml *y, const char *format, ...)
{
	int length = snprintf(y->why, y->why_size, "line %zu: ", y->event.start_mark.line + 1);
	va_list args;

	va_start(args, format);
	if (length > 0 && (size_t)length < y->why_size)
		vsnprintf(y->why + length, y->why_size - (size_t)length, format, args);
	va_end(args);
	return -EINVAL;
}

static int parser_refuse(struct yaml *y)
{
	const yaml_parser_t *p = &y->parser;

	if (p->error == YAML_MEMORY_ERROR)
		snprintf(y->why, y->why_size, "out of memory");
	else
		snprintf(y->why, y->why_size, "line %zu: %s", p->problem_mark.line + 1,
			 p->problem ? p->problem : "not valid YAML");
	return -EINVAL;
}

static int node_check(struct yaml *y, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return yaml_refuse(y, "anchors and aliases are not supported");
	if (tag && strcmp((const char *)tag, YAML_STR_TAG) != 0)
		return yaml_refuse(y, "tags are not supported");
	return 0;
}

static int event_next(struct yaml *y)
{
	yaml_event_delete(&y->event);
	if (!yaml_parser_parse(&y->parser, &y->event))
		return parser_refuse(y);
	switch (y->event.type) {
	case YAML_ALIAS_EVENT: return yaml_refuse(y, "anchors and aliases are not supported");
	case YAML_SCALAR_EVENT:
		return node_check(y, y->event.data.scalar.anchor, y->event.data.scalar.tag);
	case YAML_MAPPING_START_EVENT:
		return node_check(y, y->event.data.mapping_start.anchor,
				  y->event.data.mapping_start.tag);
	case YAML_SEQUENCE_START_EVENT:
		return node_check(y, y->event.data.sequence_start.anchor,
				  y->event.data.sequence_start.tag);
	default: return 0;
	}
}

int yaml_open(struct yaml *y, const char *bytes, size_t size, bool *empty, char *why,
	      size_t why_size)
{
	int r;

	*y = (struct yaml){ .why = why, .why_size = why_size };
	*empty = true;
	if (!yaml_parser_initialize(&y->parser)) {
		snprintf(why, why_size, "out of memory");
		return -EINVAL;
	}
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)bytes, size);
	r = event_next(y); /* start of the stream */
	if (!r)
		r = event_next(y);
	if (r || y->event.type == YAML_STREAM_END_EVENT)
		return r;
	*empty = false;
	return event_next(y);
}

void yaml_close(struct yaml *y)
{
	yaml_event_delete(&y->event);
	yaml_parser_delete(&y->parser);
}

int yaml_end(struct yaml *y)
{
	int r = event_next(y); /* end of the document */

	if (!r)
		r = event_next(y);
	if (!r && y->event.type != YAML_STREAM_END_EVENT)
		return yaml_refuse(y, "more than one document");
	return r;
}

static bool null_node(const yaml_event_t *event)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (event->type != YAML_SCALAR_EVENT || event->data.scalar.tag ||
	    event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp((const char *)event->data.scalar.value, words[i]))
			return true;
	return false;
}

int yaml_string(struct yaml *y, const char **value, bool *plain)
{
	const yaml_event_t *event = &y->event;

	*value = "";
	if (plain)
		*plain = false;
	if (event->type != YAML_SCALAR_EVENT)
		return yaml_refuse(y, "expected a single value");
	*value = (const char *)event->data.scalar.value;
	if (strlen(*value) != event->data.scalar.length)
		return yaml_refuse(y, "value contains a NUL byte");
	if (null_node(event))
		*value = "";
	if (plain)
		*plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

static void keys_free(char *(*keys)[YAML_ENTRIES_MAX])
{
	for (size_t i = 0; i < YAML_ENTRIES_MAX && (*keys)[i]; i++)
		free((*keys)[i]);
}

static int key_add(struct yaml *y, char **keys, size_t count)
{
	const char *key = "";
	int r = yaml_string(y, &key, NULL);

	if (r)
		return r;
	if (count == YAML_ENTRIES_MAX)
		return yaml_refuse(y, "more than %d entries", YAML_ENTRIES_MAX);
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keys[i], key))
			return yaml_refuse(y, "duplicate key %s", key);
	keys[count] = strdup(key);
	return keys[count] ? 0 : yaml_refuse(y, "out of memory");
}

int yaml_mapping(struct yaml *y, int (*entry)(struct yaml *y, void *closure, const char *key),
		 void *closure)
{
	_cleanup_(keys_free) char *keys[YAML_ENTRIES_MAX] = { NULL };

	if (null_node(&y->event))
		return 0;
	if (y->event.type != YAML_MAPPING_START_EVENT)
		return yaml_refuse(y, "expected keys with values");
	for (size_t count = 0;; count++) {
		int r = event_next(y);

		if (r || y->event.type == YAML_MAPPING_END_EVENT)
			return r;
		r = key_add(y, keys, count);
		if (!r)
			r = event_next(y);
		if (!r)
			r = entry(y, closure, keys[count]);
		if (r)
			return r;
	}
}

int yaml_list(struct yaml *y, int (*item)(struct yaml *y, void *closure), void *closure)
{
	if (null_node(&y->event))
		return 0;
	if (y->event.type != YAML_SEQUENCE_START_EVENT)
		return yaml_refuse(y, "expected a list");
	for (size_t count = 0;; count++) {
		int r = event_next(y);

		if (r || y->event.type == YAML_SEQUENCE_END_EVENT)
			return r;
		if (count == YAML_ENTRIES_MAX)
			return yaml_refuse(y, "more than %d entries", YAML_ENTRIES_MAX);
		r = item(y, closure);
		if (r)
			return r;
	}
}

int yaml_copy(struct yaml *y, char **to)
{
	const char *value;
	int r = yaml_string(y, &value, NULL);

	if (r || !*value)
		return r;
	*to = strdup(value);
	return *to ? 0 : yaml_refuse(y, "out of memory");
}

int yaml_bool(struct yaml *y, bool *value)
{
	static const char *const yes[] = { "true", "True", "TRUE", "y",	 "Y", "yes",
					   "Yes",  "YES",  "on",   "On", "ON" };
	static const char *const no[] = { "false", "False", "FALSE", "n",   "N",  "no",
					  "No",	   "NO",    "off",   "Off", "OFF" };
	const char *word;
	bool plain;
	int r = yaml_string(y, &word, &plain);

	if (r || !*word)
		return r;
	for (size_t i = 0; plain && i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcmp(word, yes[i]) != 0 && strcmp(word, no[i]) != 0)
			continue;
		*value = !strcmp(word, yes[i]);
		return 0;
	}
	return yaml_refuse(y, "%.40s is not a boolean (true or false, unquoted)", word);
}

/* Refuses a word. Lists the accepted ones if they are few. */
static int word_refuse(struct yaml *y, const char *what, const char *word,
		       const char *(*name)(size_t index), size_t count)
{
	char accepted[LISTED_MAX * 32] = "";
	size_t length = 0;

	for (size_t i = 0; i < count && count <= LISTED_MAX; i++)
		length += (size_t)snprintf(accepted + length, sizeof(accepted) - length, "%s%.28s",
					   i ? ", " : " (accepted: ", name(i));
	return yaml_refuse(y, "unknown %s %.80s%s%s", what, word, accepted, length ? ")" : "");
}

int yaml_word(struct yaml *y, size_t *index, const char *what, const char *(*name)(size_t index),
	      size_t count)
{
	const char *word;
	int r = yaml_string(y, &word, NULL);

	if (r)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, name(i)) != 0)
			continue;
		*index = i;
		return 0;
	}
	return word_refuse(y, what, word, name, count);
}
