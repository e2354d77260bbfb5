// SPDX-License-Identifier: Apache-2.0
/*
 * vmlinux_test OBJECT [BTF...]: checks that the hand-trimmed vmlinux.h fits a kernel.
 *
 * OBJECT holds all relocated structs of vmlinux.h as BTF (module.mk builds it). The kernel's BTF
 * must have each member: same name, same struct, compatible type.
 *
 * BTF files are those of other kernels. Without one, the test reads the running kernel's BTF. It
 * then also loads the object, so that libbpf relocates it and the verifier checks it.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wgsocks/abi.h>
#include "wgsocks.skel.h"

static const struct btf *ours, *theirs;
static int members, bad;

static void complain(const char *struct_name, const char *member, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void complain(const char *struct_name, const char *member, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# %s.%s: ", struct_name, member);
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	bad++;
}

static const struct btf_type *plain(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (btf_is_mod(type) || btf_is_typedef(type))
		type = btf__type_by_id(btf, type->type);
	return type;
}

/*
 * A member by its name, also within anonymous structs and unions. The outermost `type` is by value.
 */
static const struct btf_member *member_find(const struct btf *btf, const struct btf_type *type,
					    const char *name, bool *bitfield)
{
	const struct btf_member *m = btf_members(type);

	for (uint16_t i = 0; i < btf_vlen(type); i++, m++) {
		const char *its = btf__name_by_offset(btf, m->name_off);
		const struct btf_type *inner = plain(btf, m->type);

		if (!strcmp(its, name)) {
			*bitfield = btf_member_bitfield_size(type, i) != 0;
			return m;
		}
		if (!its[0] && btf_is_composite(inner)) {
			const struct btf_member *found = member_find(btf, inner, name, bitfield);

			if (found)
				return found;
		}
	}
	return NULL;
}

/* Compares up to "___", which begins the suffix of a flavour in our structs. */
static bool same_name(const struct btf_type *a, const struct btf_type *b)
{
	const char *own = btf__name_by_offset(ours, a->name_off),
		   *other = btf__name_by_offset(theirs, b->name_off);
	const char *flavour = strstr(own, "___");
	size_t length = flavour ? (size_t)(flavour - own) : strlen(own);

	return strlen(other) == length && memcmp(own, other, length) == 0;
}

static bool is_number(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_any_enum(type);
}

static void members_compare(const char *struct_name, const struct btf_type *a,
			    const struct btf_type *b);

/* A load compiled for the type `a` must read the same value from the type `b`. */
static void types_compare(const char *struct_name, const char *member, uint32_t a_id, uint32_t b_id)
{
	const struct btf_type *a = plain(ours, a_id), *b = plain(theirs, b_id);

	if (is_number(a) && is_number(b)) {
		if (a->size != b->size)
			complain(struct_name, member, "%u bytes here, %u in the kernel", a->size,
				 b->size);
	} else if (btf_is_array(a) && btf_is_array(b)) {
		long long own = btf__resolve_size(ours, a_id),
			  other = btf__resolve_size(theirs, b_id);

		if (own != other)
			complain(struct_name, member, "%lld bytes here, %lld in the kernel", own,
				 other);
	} else if (btf_is_ptr(a) && btf_is_ptr(b)) {
		const struct btf_type *to = plain(ours, a->type), *of = plain(theirs, b->type);

		if ((btf_is_composite(to) || btf_is_fwd(to)) && !same_name(to, of))
			complain(struct_name, member,
				 "points to struct %s here, to %s in the kernel",
				 btf__name_by_offset(ours, to->name_off),
				 btf__name_by_offset(theirs, of->name_off));
	} else if (btf_is_composite(a) && btf_is_composite(b) && btf_kind(a) == btf_kind(b)) {
		if (!a->name_off)
			members_compare(struct_name, a, b);
		else if (!same_name(a, b))
			complain(struct_name, member, "is a %s here, a %s in the kernel",
				 btf__name_by_offset(ours, a->name_off),
				 btf__name_by_offset(theirs, b->name_off));
	} else {
		complain(struct_name, member, "kind %u here, %u in the kernel", btf_kind(a),
			 btf_kind(b));
	}
}

static void members_compare(const char *struct_name, const struct btf_type *a,
			    const struct btf_type *b)
{
	const struct btf_member *m = btf_members(a);

	for (uint16_t i = 0; i < btf_vlen(a); i++, m++) {
		const char *name = btf__name_by_offset(ours, m->name_off);
		const struct btf_member *found;
		bool bitfield = false;

		if (!name[0]) {
			members_compare(struct_name, plain(ours, m->type), b);
			continue;
		}
		members++;
		found = member_find(theirs, b, name, &bitfield);
		if (!found)
			complain(struct_name, name, "not in this kernel");
		else if (bitfield)
			complain(struct_name, name, "a bit field in this kernel");
		else
			types_compare(struct_name, name, m->type, found->type);
	}
}

/* Every variable of the object is one struct of vmlinux.h. Returns how many there are. */
static int structs_compare(void)
{
	int structs = 0;

	for (uint32_t id = 1; id < btf__type_cnt(ours); id++) {
		const struct btf_type *variable = btf__type_by_id(ours, id), *type, *other;
		const char *name;
		int found;

		if (!btf_is_var(variable))
			continue;
		structs++;
		type = plain(ours, variable->type);
		name = btf__name_by_offset(ours, type->name_off);
		if (!btf_is_struct(type) ||
		    !name[0]) { /* possible_net_t: what it holds is compared where it is a member */
			name = btf__name_by_offset(ours,
						   btf__type_by_id(ours, variable->type)->name_off);
			found = btf__find_by_name_kind(theirs, name, BTF_KIND_TYPEDEF);
		} else {
			found = btf__find_by_name_kind(theirs, name, BTF_KIND_STRUCT);
		}
		other = found > 0 ? plain(theirs, (uint32_t)found) : NULL;
		if (!other || btf_kind(other) != btf_kind(type))
			complain(name, "*", "no such struct in this kernel");
		else
			members_compare(name, type, other);
	}
	return structs;
}

/* The tracepoints' arguments: behind libbpf's own first one. */
static void tracepoint_compare(const char *name, const char *first, uint16_t least)
{
	char type_name[128];
	const struct btf_type *type;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(theirs, type_name, BTF_KIND_TYPEDEF);
	type = id > 0 ? plain(theirs, plain(theirs, (uint32_t)id)->type) : NULL;
	if (!type || !btf_is_func_proto(type)) {
		complain("tracepoint", name, "not in this kernel");
		return;
	}
	if (btf_vlen(type) < least + 1) {
		complain("tracepoint", name, "%u arguments", btf_vlen(type));
		return;
	}
	type = plain(theirs, btf_params(type)[1].type);
	if (!btf_is_ptr(type) ||
	    strcmp(btf__name_by_offset(theirs, plain(theirs, type->type)->name_off), first) != 0)
		complain("tracepoint", name, "its first argument is no struct %s", first);
}

static bool kernel_compare(const char *kernel)
{
	int structs;

	members = bad = 0;
	structs = structs_compare();
	tracepoint_compare("inet_sock_set_state", "sock", 3);
	tracepoint_compare("tcp_retransmit_skb", "sock", 1);
	tracepoint_compare("tcp_retransmit_synack", "sock", 2);
	if (structs < 10 || members < 20)
		printf("not ok vmlinux.h/%s: only %d structs of %d members were compared\n", kernel,
		       structs, members);
	else if (bad)
		printf("not ok vmlinux.h/%s: %d of %d members, see above\n", kernel, bad, members);
	else
		printf("ok vmlinux.h/%s\n", kernel);
	return structs >= 10 && members >= 20 && !bad;
}

static bool loads(void)
{
	struct wgsocks *skeleton;

	if (geteuid() != 0) {
		printf("skip vmlinux.h/loads: needs root\n");
		return true;
	}
	skeleton = wgsocks__open_and_load();
	if (skeleton)
		printf("ok vmlinux.h/loads\n");
	else
		printf("not ok vmlinux.h/loads: %s\n", strerror(errno));
	wgsocks__destroy(skeleton);
	return skeleton;
}

int main(int argc, char **argv)
{
	bool good = true;

	ours = argc > 1 ? btf__parse(argv[1], NULL) : NULL;
	if (!ours) {
		printf("not ok vmlinux.h: no BTF in %s\n", argc > 1 ? argv[1] : "nothing");
		return 1;
	}
	if (argc == 2) {
		theirs = btf__load_vmlinux_btf();
		if (!theirs)
			printf("not ok vmlinux.h/this kernel: it has no BTF\n");
		return theirs && kernel_compare("this kernel") & loads() ? 0 : 1;
	}
	for (int i = 2; i < argc; i++) {
		theirs = btf__parse(argv[i], NULL);
		if (!theirs)
			printf("not ok vmlinux.h/%s: no BTF\n", argv[i]);
		good &= theirs && kernel_compare(argv[i]);
	}
	return good ? 0 : 1;
}
