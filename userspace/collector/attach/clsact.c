// SPDX-License-Identifier: Apache-2.0
#include "collector/attach/parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/rtnetlink.h>

#include "collector/attach/tc.h"
#include "collector/discovery/netlink.h"
#include "lib/cleanup.h"

/*
 * A low priority, so that few filters that end the walk (TC_ACT_OK) run before ours. Not 1 to 10,
 * which administrators often use: a priority belongs to one kind of filter and one protocol, and a
 * second kind gets EINVAL.
 */
#define PRIORITY_FIRST 13
#define PRIORITY_COUNT 32

#define OURS_MAX 16
#define DUMP_ATTEMPTS 8

/* Result of one dump of the filters in one direction. */
struct survey {
	uint32_t instance; /* counts as ours; 0: every instance */
	uint32_t listed;   /* all messages, heads of priorities included */
	uint32_t blocked;  /* bit i: PRIORITY_FIRST + i is not available for our filter */
	uint32_t found;	   /* number of our filters */
	bool made_qdisc;   /* the name of a filter of any instance says that we created the qdisc */
	struct tc_filter ours[OURS_MAX];
};

/* The name records that we created the qdisc, so that a later process can remove it. */
#define MADE_QDISC ":qdisc"

static void name_filter(char name[TC_NAME_SIZE], uint32_t instance, bool made_qdisc)
{
	snprintf(name, TC_NAME_SIZE, "wgsocks:%08x%s", instance, made_qdisc ? MADE_QDISC : "");
}

static bool has_name(const struct tc_filter *filter, bool made_qdisc)
{
	char name[TC_NAME_SIZE];

	name_filter(name, filter->handle, made_qdisc);
	return strcmp(filter->name, name) == 0;
}

/* Compares name and handle: another owner's filter can have our handle. */
static bool is_ours(const struct tc_filter *filter, uint32_t instance)
{
	return filter->handle && (!instance || filter->handle == instance) &&
	       strcmp(filter->kind, "bpf") == 0 &&
	       (has_name(filter, false) || has_name(filter, true));
}

static void survey_filter(const struct tc_filter *filter, void *context)
{
	struct survey *survey = context;
	bool shareable = strcmp(filter->kind, "bpf") == 0 && filter->protocol == ETH_P_ALL;

	survey->listed++;
	survey->made_qdisc |= is_ours(filter, 0) && has_name(filter, true);
	if (is_ours(filter, survey->instance)) {
		if (survey->found < OURS_MAX)
			survey->ours[survey->found++] = *filter;
		return;
	}
	if (filter->priority < PRIORITY_FIRST ||
	    filter->priority >= PRIORITY_FIRST + PRIORITY_COUNT)
		return;
	if (!shareable || (filter->handle && filter->handle == survey->instance))
		survey->blocked |= 1u << (filter->priority - PRIORITY_FIRST);
}

static int take_survey(int fd, uint32_t ifindex, enum attach_direction direction, uint32_t instance,
		       struct survey *survey)
{
	int r = -EINTR;

	for (int i = 0; i < DUMP_ATTEMPTS && r == -EINTR; i++) {
		*survey = (struct survey){ .instance = instance };
		r = tc_filters_each(fd, ifindex, direction, survey_filter, survey);
	}
	return r;
}

/*
 * Requires a qdisc that has our direction: an `ingress` qdisc would accept an egress filter and run
 * it at ingress.
 */
static int ensure_qdisc(int fd, const struct attachment_spec *spec, bool *created)
{
	int r = tc_clsact_create(fd, spec->ifindex);

	*created = r == 0;
	if (r != -EEXIST || spec->direction == ATTACH_INGRESS)
		return r == -EEXIST ? 0 : r;
	r = tc_clsact_present(fd, spec->ifindex);
	if (r < 0)
		return r;
	return r ? 0 : -EBUSY;
}

static int choose_priority(const struct survey *survey, uint16_t *priority)
{
	if (survey->found) {
		*priority = survey->ours[0].priority;
		return 0;
	}
	for (unsigned int i = 0; i < PRIORITY_COUNT; i++) {
		if (survey->blocked & 1u << i)
			continue;
		*priority = (uint16_t)(PRIORITY_FIRST + i);
		return 0;
	}
	return -EBUSY;
}

static bool is_gone(int r)
{
	return r == -ENOENT || r == -ENODEV;
}

/* Deletes the filters of the survey from index `from`. Returns their number or -errno. */
static int delete_found(int fd, uint32_t ifindex, enum attach_direction direction,
			const struct survey *survey, uint32_t from)
{
	int count = 0;

	for (uint32_t i = from; i < survey->found; i++) {
		int r = tc_filter_delete(fd, ifindex, direction, &survey->ours[i]);

		if (r && !is_gone(r))
			return r;
		count += !r;
	}
	return count;
}

/*
 * A filter that another program adds between the dump and the deletion is deleted with the qdisc.
 * The window is microseconds, and only at removal.
 */
static int remove_empty_qdisc(int fd, uint32_t ifindex)
{
	struct survey survey;
	int r;

	for (enum attach_direction direction = ATTACH_INGRESS; direction <= ATTACH_EGRESS;
	     direction++) {
		r = take_survey(fd, ifindex, direction, 0, &survey);
		if (r || survey.listed > 0)
			return r;
	}
	r = tc_clsact_delete(fd, ifindex);
	return is_gone(r) ? 0 : r;
}

/* The filter in our other direction may record that we created the qdisc. */
static int other_direction_made(int fd, const struct attachment_spec *spec, bool *made)
{
	struct survey survey;
	int r = take_survey(fd, spec->ifindex,
			    spec->direction == ATTACH_INGRESS ? ATTACH_EGRESS : ATTACH_INGRESS,
			    spec->instance, &survey);

	*made = !r && survey.made_qdisc;
	return r;
}

static int put_filter(int fd, struct attachment *attachment, const struct attachment_spec *spec)
{
	struct tc_filter filter = { .handle = spec->instance };
	struct survey survey;
	bool other;
	int r = take_survey(fd, spec->ifindex, spec->direction, spec->instance, &survey);

	r = r ?: other_direction_made(fd, spec, &other);
	if (!r)
		r = choose_priority(&survey, &filter.priority);
	if (r)
		return r;
	attachment->qdisc_created |= survey.made_qdisc || other;
	name_filter(filter.name, filter.handle, attachment->qdisc_created);
	r = tc_filter_put(fd, spec->ifindex, spec->direction, &filter, spec->stub_fd,
			  survey.found > 0);
	if (r)
		return r;
	attachment->priority = filter.priority;
	attachment->taken_over = survey.found > 0;
	/* One filter for each instance: a second one would count everything twice. */
	r = delete_found(fd, spec->ifindex, spec->direction, &survey, 1);
	return r < 0 ? r : 0;
}

int clsact_open(struct attachment *attachment, const struct attachment_spec *spec)
{
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return fd;
	r = ensure_qdisc(fd, spec, &attachment->qdisc_created);
	if (r)
		return r;
	r = put_filter(fd, attachment, spec);
	if (r && attachment->qdisc_created)
		remove_empty_qdisc(fd, spec->ifindex);
	return r;
}

int clsact_alive(const struct attachment *attachment)
{
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE);
	struct survey survey;
	int r;

	if (fd < 0)
		return fd;
	r = take_survey(fd, attachment->ifindex, attachment->direction, attachment->instance,
			&survey);
	return r ? r : survey.found > 0;
}

static int remove_filters(int fd, uint32_t ifindex, enum attach_direction direction,
			  uint32_t instance, bool made_qdisc)
{
	struct survey survey;
	int count = 0, r;

	/* Repeats until a dump finds none: one survey has room for a limited number. */
	do {
		r = take_survey(fd, ifindex, direction, instance, &survey);
		made_qdisc |= !r && survey.made_qdisc;
		if (!r)
			r = delete_found(fd, ifindex, direction, &survey, 0);
		if (r < 0)
			return r;
		count += r;
	} while (survey.found == OURS_MAX && r > 0);
	r = made_qdisc ? remove_empty_qdisc(fd, ifindex) : 0;
	return r ?: count;
}

int clsact_remove(struct attachment *attachment)
{
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return fd;
	r = remove_filters(fd, attachment->ifindex, attachment->direction, attachment->instance,
			   attachment->qdisc_created);
	return r < 0 ? r : 0;
}

int clsact_remove_filters(uint32_t ifindex, enum attach_direction direction, uint32_t instance)
{
	_cleanup_close_ int fd = netlink_open(NETLINK_ROUTE);

	return fd < 0 ? fd : remove_filters(fd, ifindex, direction, instance, false);
}
