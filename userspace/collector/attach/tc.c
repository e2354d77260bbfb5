// SPDX-License-Identifier: Apache-2.0
#include "collector/attach/tc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "collector/discovery/netlink.h"

/* Room for a header, its attributes and a name. */
struct tc_request {
	char bytes[512] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static struct nlmsghdr *put_request(struct tc_request *request, uint16_t type, uint16_t flags,
				    const struct tcmsg *tcm)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(request->bytes);

	header->nlmsg_type = type;
	header->nlmsg_flags = flags;
	memcpy(mnl_nlmsg_put_extra_header(header, sizeof(*tcm)), tcm, sizeof(*tcm));
	return header;
}

static void read_text(char *target, size_t size, const struct nlattr *attribute)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_STRING) < 0)
		return;
	snprintf(target, size, "%.*s", (int)mnl_attr_get_payload_len(attribute),
		 mnl_attr_get_str(attribute));
}

static struct tcmsg clsact_tcm(uint32_t ifindex)
{
	return (struct tcmsg){ .tcm_ifindex = (int)ifindex,
			       .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
			       .tcm_parent = TC_H_CLSACT };
}

int tc_clsact_create(int fd, uint32_t ifindex)
{
	const struct tcmsg tcm = clsact_tcm(ifindex);
	struct tc_request request;
	struct nlmsghdr *header =
		put_request(&request, RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &tcm);

	mnl_attr_put_strz(header, TCA_KIND, "clsact");
	return netlink_ask(fd, header, NULL, NULL);
}

int tc_clsact_delete(int fd, uint32_t ifindex)
{
	const struct tcmsg tcm = clsact_tcm(ifindex);
	struct tc_request request;

	return netlink_ask(fd, put_request(&request, RTM_DELQDISC, NLM_F_ACK, &tcm), NULL, NULL);
}

struct qdisc_search {
	uint32_t ifindex;
	bool is_clsact;
};

static int search_qdisc(const struct nlmsghdr *message, void *context)
{
	struct qdisc_search *search = context;
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	char kind[TC_KIND_SIZE] = "";

	if (message->nlmsg_type != RTM_NEWQDISC ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*tcm) ||
	    (uint32_t)tcm->tcm_ifindex != search->ifindex || tcm->tcm_parent != TC_H_CLSACT)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*tcm))
	{
		if (mnl_attr_get_type(attribute) == TCA_KIND)
			read_text(kind, sizeof(kind), attribute);
	}
	search->is_clsact = strcmp(kind, "clsact") == 0;
	return MNL_CB_OK;
}

int tc_clsact_present(int fd, uint32_t ifindex)
{
	/* The kernel ignores the interface in a dump of qdiscs. */
	const struct tcmsg tcm = { .tcm_ifindex = (int)ifindex };
	struct qdisc_search search = { .ifindex = ifindex };
	struct tc_request request;
	int r = netlink_ask(fd, put_request(&request, RTM_GETQDISC, NLM_F_DUMP, &tcm), search_qdisc,
			    &search);

	return r ? r : search.is_clsact;
}

static uint32_t parent_of(enum attach_direction direction)
{
	return TC_H_MAKE(TC_H_CLSACT,
			 direction == ATTACH_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static int read_option(const struct nlattr *attribute, void *context)
{
	struct tc_filter *filter = context;

	if (mnl_attr_get_type(attribute) == TCA_BPF_NAME)
		read_text(filter->name, sizeof(filter->name), attribute);
	return MNL_CB_OK;
}

int tc_filter_parse(const struct nlmsghdr *message, uint32_t ifindex, struct tc_filter *filter)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *options = NULL;

	if (message->nlmsg_type != RTM_NEWTFILTER)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*tcm))
		return -EBADMSG;
	if ((uint32_t)tcm->tcm_ifindex != ifindex)
		return -ENOMSG;
	*filter = (struct tc_filter){ .handle = tcm->tcm_handle,
				      .priority = (uint16_t)(TC_H_MAJ(tcm->tcm_info) >> 16),
				      .protocol = ntohs((uint16_t)TC_H_MIN(tcm->tcm_info)) };
	mnl_attr_for_each(attribute, message, sizeof(*tcm))
	{
		if (mnl_attr_get_type(attribute) == TCA_KIND)
			read_text(filter->kind, sizeof(filter->kind), attribute);
		else if (mnl_attr_get_type(attribute) == TCA_OPTIONS &&
			 mnl_attr_validate(attribute, MNL_TYPE_NESTED) == 0)
			options = attribute;
	}
	/* Options depend on the kind: the same number means something else in another kind. */
	if (options && strcmp(filter->kind, "bpf") == 0)
		mnl_attr_parse_nested(options, read_option, filter);
	return filter->kind[0] ? 0 : -EBADMSG;
}

struct filter_walk {
	uint32_t ifindex;
	tc_filter_callback *callback;
	void *context;
};

static int walk_filter(const struct nlmsghdr *message, void *context)
{
	struct filter_walk *walk = context;
	struct tc_filter filter;

	if (tc_filter_parse(message, walk->ifindex, &filter) == 0)
		walk->callback(&filter, walk->context);
	return MNL_CB_OK;
}

int tc_filters_each(int fd, uint32_t ifindex, enum attach_direction direction,
		    tc_filter_callback *callback, void *context)
{
	const struct tcmsg tcm = { .tcm_ifindex = (int)ifindex,
				   .tcm_parent = parent_of(direction) };
	struct filter_walk walk = { .ifindex = ifindex, .callback = callback, .context = context };
	struct tc_request request;

	return netlink_ask(fd, put_request(&request, RTM_GETTFILTER, NLM_F_DUMP, &tcm), walk_filter,
			   &walk);
}

static struct tcmsg filter_tcm(uint32_t ifindex, enum attach_direction direction,
			       const struct tc_filter *filter)
{
	return (struct tcmsg){ .tcm_ifindex = (int)ifindex,
			       .tcm_parent = parent_of(direction),
			       .tcm_handle = filter->handle,
			       .tcm_info = TC_H_MAKE((uint32_t)filter->priority << 16,
						     htons(ETH_P_ALL)) };
}

int tc_filter_put(int fd, uint32_t ifindex, enum attach_direction direction,
		  const struct tc_filter *filter, int program_fd, bool replace)
{
	const struct tcmsg tcm = filter_tcm(ifindex, direction, filter);
	uint16_t flags = NLM_F_ACK | NLM_F_CREATE | (replace ? 0 : NLM_F_EXCL);
	struct tc_request request;
	struct nlmsghdr *header = put_request(&request, RTM_NEWTFILTER, flags, &tcm);
	struct nlattr *options;

	mnl_attr_put_strz(header, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(header, TCA_OPTIONS);
	mnl_attr_put_u32(header, TCA_BPF_FD, (uint32_t)program_fd);
	mnl_attr_put_strz(header, TCA_BPF_NAME, filter->name);
	mnl_attr_put_u32(header, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(header, options);
	return netlink_ask(fd, header, NULL, NULL);
}

int tc_filter_delete(int fd, uint32_t ifindex, enum attach_direction direction,
		     const struct tc_filter *filter)
{
	const struct tcmsg tcm = filter_tcm(ifindex, direction, filter);
	struct tc_request request;
	struct nlmsghdr *header;

	/* The kernel treats a missing handle or priority as "all". */
	if (!filter->handle || !filter->priority)
		return -EINVAL;
	header = put_request(&request, RTM_DELTFILTER, NLM_F_ACK, &tcm);
	mnl_attr_put_strz(header, TCA_KIND, "bpf");
	return netlink_ask(fd, header, NULL, NULL);
}
