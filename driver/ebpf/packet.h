// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// Reading packets and looking things up, for fast.c.

#include "maps.h"

static __always_inline int leave(__u32 why)
{
	__u64 *n = bpf_map_lookup_elem(&left, &why);
	if (n)
		(*n)++;
	return LEAVE;
}

static __always_inline struct setting *setting_of(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&settings, &zero);
}

static __always_inline struct path *path_of(const struct in6_addr *a, struct setting *set)
{
	struct net n = {128, {a->s6_addr32[0], a->s6_addr32[1], a->s6_addr32[2], a->s6_addr32[3]}};
	struct path *p = bpf_map_lookup_elem(&paths, n.addr);

	if (!p && set->nets)
		p = bpf_map_lookup_elem(&nets, &n);
	return p;
}

static __always_inline int same(const struct in6_addr *a, const __u32 *b)
{
	return a->s6_addr32[0] == b[0] && a->s6_addr32[1] == b[1] && a->s6_addr32[2] == b[2] && a->s6_addr32[3] == b[3];
}

/* usual says whether an address may stand in a packet that a router sends on: not multicast, link-local, unspecified,
 * loopback, or IPv4 in disguise. */
static __always_inline int usual(const struct in6_addr *a)
{
	return a->s6_addr[0] != 0xff && a->s6_addr32[0] != 0 &&
	       (a->s6_addr32[0] & bpf_htonl(0xffc00000)) != bpf_htonl(0xfe800000);
}

/* segments is how many packets a merged one stands for. */
static __always_inline __u32 segments(struct __sk_buff *skb)
{
	return skb->gso_size && skb->gso_segs ? skb->gso_segs : 1;
}

/* field reads a field of the context by an instruction of its own: the compiler would else compute the field's address for two
 * places at once, which the verifier does not allow. */
#define field(skb, name)                                                                                                          \
	({                                                                                                                        \
		__u64 v;                                                                                                          \
		asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(v) : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, name)));      \
		v;                                                                                                                \
	})

/* at gives the first octets of the packet from an offset, pulling them into the linear part if need be. */
static __always_inline void *at(struct __sk_buff *skb, __u32 off, __u32 size)
{
	void *data = (void *)field(skb, data);
	if (data + off + size <= (void *)field(skb, data_end))
		return data + off;
	if (bpf_skb_pull_data(skb, off + size))
		return 0;
	data = (void *)field(skb, data);
	return data + off + size <= (void *)field(skb, data_end) ? data + off : 0;
}

/* passes says whether the fast path knows all of what stands behind the header: TCP, UDP, ESP, ICMPv6 errors and echo.
 * Anything else may be an extension header, a fragment, a tunnel or mobility signalling. */
static __always_inline int passes(struct __sk_buff *skb, __u32 off, __u8 proto)
{
	__u8 type;

	if (proto == IP_TCP || proto == IP_UDP || proto == IP_ESP)
		return 1;
	if (proto != IP_ICMPV6 || bpf_skb_load_bytes(skb, off + IP_HEADER, &type, 1))
		return 0;
	return type <= 129;
}

/* largest is the size of the largest packet that a merged one stands for, 0 if that is not known. */
static __always_inline __u32 largest(struct __sk_buff *skb, __u32 off, __u8 proto, __u32 size)
{
	__u8 words;

	if (!skb->gso_size)
		return size;
	if (proto == IP_UDP)
		return IP_HEADER + 8 + skb->gso_size;
	if (proto != IP_TCP || bpf_skb_load_bytes(skb, off + IP_HEADER + 12, &words, 1))
		return 0;
	return IP_HEADER + (words >> 4) * 4 + skb->gso_size;
}

static __always_inline void count(struct slot *s, int dir, __u64 packets, __u64 octets)
{
	__sync_fetch_and_add(&s->packets[dir], packets);
	__sync_fetch_and_add(&s->octets[dir], octets);
}

/* open says whether a packet may overtake nothing: all that was left to the plane before it is finished. */
static __always_inline int open(struct path *p, struct slot *s, int dir)
{
	return *(volatile __u64 *)&s->slow[dir] == *(volatile __u64 *)&s->done[dir] || p->flags & FORCED;
}

