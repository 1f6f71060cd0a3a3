//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// The fast path: tc programs in front of the plane. What they do not fully understand they leave alone, and count why; the
// kernel and the plane's own forwarder then treat it as if they were not here. doc.go tells the whole story.

#include "packet.h"

/* wrapped is the packet to encapsulate, read before it is changed. */
struct wrapped {
	__u32 first;  /* version, traffic class, flow label */
	__u32 size;   /* octets, headers included */
	__u32 one;    /* of the largest segment */
	__u8 proto;
};

/* fits reads the packet at an offset, and says why it is left, REASONS if it is not. */
static __always_inline __u32 fits(struct __sk_buff *skb, struct ipv6hdr *ip, __u32 off, struct path *p, struct wrapped *w)
{
	__u8 proto = ip->nexthdr;

	w->first = *(__u32 *)ip;
	w->size = bpf_ntohs(ip->payload_len) + IP_HEADER;
	w->proto = proto;
	if ((w->first & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000) || w->size + off != skb->len)
		return LENGTH;
	if (!usual(&ip->saddr) || !usual(&ip->daddr))
		return BAD_ADDRESS;
	if (!passes(skb, off, proto))
		return UPPER_LAYER;
	w->one = largest(skb, off, proto, w->size);
	/* The kernel makes the segments of a merged TCP packet smaller by the header, so they fit if they did before. */
	if (!w->one || w->one + (skb->gso_size && proto == IP_TCP ? 0 : IP_HEADER) > p->mtu)
		return TOO_BIG;
	if (skb->gso_size && skb->gso_size <= 2 * IP_HEADER)
		return TOO_BIG;
	/* A merged packet whose length with the tunnel header no header can tell. */
	if (w->size > 0xffff)
		return LENGTH;
	return REASONS;
}

/* wrap makes room for the tunnel header before the packet at the offset. */
static __always_inline long wrap(struct __sk_buff *skb, struct path *p, struct wrapped *w)
{
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	if (skb->gso_size && w->one + IP_HEADER <= p->mtu)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return bpf_skb_adjust_room(skb, IP_HEADER, BPF_ADJ_ROOM_MAC, flags);
}

/* header writes the tunnel header. Traffic class and flow label are the packet's own (RFC 2473 §6.4, RFC 6040 §4.1). */
static __always_inline void header(struct ipv6hdr *ip, struct path *p, struct wrapped *w, __u8 hops)
{
	*(__u32 *)ip = w->first;
	ip->payload_len = bpf_htons(w->size);
	ip->nexthdr = IP_IPV6;
	ip->hop_limit = hops;
	__builtin_memcpy(&ip->saddr, p->local, 16);
	__builtin_memcpy(&ip->daddr, p->remote, 16);
}

/* sent counts what was encapsulated or taken out, of a further tunnel too. */
static __always_inline void sent(struct __sk_buff *skb, struct slot *s, int dir, __u32 size, __u32 one, struct took *by)
{
	__u32 n = 1, headers;

	if (skb->gso_size && one > skb->gso_size) {
		headers = one - skb->gso_size;
		if (size > headers) {
			n = (size - headers + skb->gso_size - 1) / skb->gso_size;
			size += (n - 1) * headers;
		}
	}
	count(s, dir, n, size);
	if (by) {
		__sync_fetch_and_add(&by->packets, n);
		__sync_fetch_and_add(&by->octets, size);
	}
}

/* known says whether a route was asked for since the clock ticked. */
static __always_inline int known(struct hop *h, __u64 now, __u32 flow, __u32 from, const __u32 *src, const __u32 *dst)
{
	return h->tick == now && h->flow == flow && h->from == from && h->dst[3] == dst[3] && h->dst[2] == dst[2] &&
	       h->dst[1] == dst[1] && h->dst[0] == dst[0] && h->src[3] == src[3] && h->src[2] == src[2] &&
	       h->src[1] == src[1] && h->src[0] == src[0];
}

/* ask asks the kernel where a packet goes from here, as if it had come by the same link. */
static __always_inline long ask(struct __sk_buff *skb, struct hop *h, __u64 now, __u32 flow, const __u32 *src, const __u32 *dst,
				__u32 size)
{
	struct bpf_fib_lookup fib = {
		.family = AF_INET6,
		.tot_len = size,
		.ifindex = skb->ifindex,
		.flowinfo = flow,
	};
	long r;

	__builtin_memcpy(fib.ipv6_src, src, 16);
	__builtin_memcpy(fib.ipv6_dst, dst, 16);
	r = bpf_fib_lookup(skb, &fib, sizeof(fib), BPF_FIB_LOOKUP_SKIP_NEIGH);
	if (r != BPF_FIB_LKUP_RET_SUCCESS)
		return r;
	h->tick = now;
	h->flow = flow;
	h->from = skb->ifindex;
	__builtin_memcpy(h->src, src, 16);
	__builtin_memcpy(h->dst, dst, 16);
	h->ifindex = fib.ifindex;
	h->mtu = size ? fib.mtu_result : 0; /* of a merged packet the kernel tells that of the link */
	__builtin_memcpy(h->next, fib.ipv6_dst, 16);
	return r;
}

/* route says where a packet goes from here; 0 if that is nowhere, or not whole. Flow labels are part of the question: where
 * a route has several next hops, the packets of a flow keep to one. */
static __always_inline struct hop *route(struct __sk_buff *skb, __u32 first, const __u32 *src,
					 const __u32 *dst, __u32 size)
{
	__u32 flow = first & bpf_htonl(0x0fffffff);
	__u32 index = ((dst[0] ^ dst[1] ^ dst[2] ^ dst[3] ^ flow) * 0x9e3779b1) >> 22;
	__u64 now = bpf_jiffies64();
	struct hop *h = bpf_map_lookup_elem(&hops, &index);

	if (!h)
		return 0;
	if (skb->gso_size)
		size = 0;
	if (!known(h, now, flow, skb->ifindex, src, dst) || size > h->mtu) {
		if (ask(skb, h, now, flow, src, dst, size) != BPF_FIB_LKUP_RET_SUCCESS)
			return 0;
	}
	return h;
}

/* captured says whether the kernel would forward a packet into the TUN: not all of a prefix need be the path's. */
static __always_inline int captured(struct __sk_buff *skb, struct ipv6hdr *ip, struct setting *set)
{
	struct in6_addr src = ip->saddr, dst = ip->daddr;
	struct hop *h = route(skb, *(__u32 *)ip, src.s6_addr32, dst.s6_addr32, 0);

	return h && h->ifindex == set->tun;
}

/* go sends the packet where route said, through the kernel's neighbour table: a packet with a link header written here would
 * keep a stale neighbour from being probed, RFC 4861 §7.3. */
static __always_inline int go(struct hop *h)
{
	struct bpf_redir_neigh next = {.nh_family = AF_INET6};

	__builtin_memcpy(next.ipv6_nh, h->next, 16);
	return bpf_redirect_neigh(h->ifindex, &next, sizeof(next), 0);
}

/* represent encapsulates, for the home agent, what came for a mobile address. On the wire the packet is as the plane and
 * the kernel's two forwardings, into the TUN and out of it, would make it. */
static __always_inline int represent(struct __sk_buff *skb, struct path *p, struct setting *set)
{
	struct wrapped w = {};
	struct ipv6hdr *ip;
	struct slot *s;
	struct hop *h;
	__u32 index = p->slot, why;
	__u8 left;

	s = bpf_map_lookup_elem(&slots, &index);
	ip = at(skb, ETH_HLEN, IP_HEADER);
	if (!s || !ip)
		return LEAVE;
	if (p->flags & NET && !captured(skb, ip, set))
		return LEAVE;
	if (!(p->flags & SENDS) || set->off)
		return leave(SLOW_PATH);
	why = fits(skb, ip, ETH_HLEN, p, &w);
	if (why != REASONS)
		return leave(why);
	left = ip->hop_limit;
	if (left <= 2)
		return leave(HOP_LIMIT);
	if (!open(p, s, OUT))
		return leave(WAITING);
	h = route(skb, w.first, p->local, p->remote, w.size + IP_HEADER);
	if (!h || h->ifindex == set->tun)
		return leave(NO_ROUTE);
	if (wrap(skb, p, &w))
		return leave(REFUSED);
	ip = at(skb, ETH_HLEN, 2 * IP_HEADER);
	if (!ip)
		return TC_ACT_SHOT; /* cannot be: the room was made */
	header(ip, p, &w, 63);
	ip[1].hop_limit = left - 2;
	sent(skb, s, OUT, w.size, w.one, 0);
	return go(h);
}

/* carries says whether the congestion marks of both headers let the inner packet stay as it is, RFC 6040 §4.2. */
static __always_inline int carries(struct ipv6hdr *outer, struct ipv6hdr *inner)
{
	__u8 out = ((__u8 *)outer)[1] >> 4 & 3, in = ((__u8 *)inner)[1] >> 4 & 3;

	if (out == 3)
		return in == 3;
	return !(out == 1 && in == 2);
}

/* whole says whether both headers of a tunnel packet tell the same length as the frame. */
static __always_inline int whole(struct __sk_buff *skb, struct ipv6hdr *outer, struct ipv6hdr *inner, __u32 off)
{
	__u32 in = bpf_ntohs(inner->payload_len) + IP_HEADER;

	return bpf_ntohs(outer->payload_len) == in && off + IP_HEADER + in == skb->len &&
	       ((__u8 *)outer)[0] >> 4 == 6 && ((__u8 *)inner)[0] >> 4 == 6;
}

/* rest gives a tunnel packet that is not fast to the plane: a mobile node's kernel does not have the care-of address. */
static __always_inline int rest(struct __sk_buff *skb, struct setting *set, __u32 why)
{
	struct ipv6hdr *ip = at(skb, ETH_HLEN, IP_HEADER);

	leave(why);
	if (!ip || !set->tun)
		return LEAVE;
	__u32 key[4] = {ip->daddr.s6_addr32[0], ip->daddr.s6_addr32[1], ip->daddr.s6_addr32[2], ip->daddr.s6_addr32[3]};
	if (!bpf_map_lookup_elem(&locals, key))
		return LEAVE;
	return bpf_redirect(set->tun, 0);
}

/* further is the entry of a path's further tunnel, 0 if the packet came by none. */
static __always_inline struct took *further(struct path *p, struct ipv6hdr *outer)
{
	struct end e = {.slot = p->slot};

	if (!(p->flags & WAYS))
		return 0;
	__builtin_memcpy(e.local, &outer->daddr, 16);
	__builtin_memcpy(e.remote, &outer->saddr, 16);
	return bpf_map_lookup_elem(&ends, &e);
}

/* heard says whether the engines know of a peer; if not, the packet is left to the plane, which tells them. */
static __always_inline int heard(struct path *p, struct in6_addr *peer, struct setting *set)
{
	struct peer k = {p->slot, {peer->s6_addr32[0], peer->s6_addr32[1], peer->s6_addr32[2], peer->s6_addr32[3]}};
	__u64 now = bpf_ktime_get_ns(), *at = bpf_map_lookup_elem(&peers, &k);

	if (at && now - *at < set->hint)
		return 1;
	bpf_map_update_elem(&peers, &k, &now, BPF_ANY);
	return 0;
}

/* taken is a packet out of a tunnel, read before it is changed. */
struct taken {
	struct in6_addr src, dst;
	__u32 first, size, one;
	__u8 hops;
};

/* relay gives a packet out of one path's tunnel to another path: in its place, with other ends. */
static __always_inline int relay(struct __sk_buff *skb, struct taken *t, struct path *p, struct slot *s, struct took *by,
				 struct setting *set)
{
	struct path *to = path_of(&t->dst, set);
	struct slot *other;
	struct ipv6hdr *ip;
	struct hop *h;
	__u32 index;

	if (!to || !(to->flags & AGENT))
		return rest(skb, set, NO_ROUTE);
	index = to->slot;
	other = bpf_map_lookup_elem(&slots, &index);
	if (!other || !(to->flags & SENDS))
		return rest(skb, set, SLOW_PATH);
	if (t->one + IP_HEADER > to->mtu)
		return rest(skb, set, TOO_BIG);
	if (!open(to, other, OUT))
		return rest(skb, set, WAITING);
	h = route(skb, t->first, to->local, to->remote, t->size + IP_HEADER);
	if (!h || h->ifindex == set->tun)
		return rest(skb, set, NO_ROUTE);
	ip = at(skb, ETH_HLEN, 2 * IP_HEADER);
	if (!ip)
		return rest(skb, set, LENGTH);
	*(__u32 *)ip = t->first;
	ip->hop_limit = 63;
	__builtin_memcpy(&ip->saddr, to->local, 16);
	__builtin_memcpy(&ip->daddr, to->remote, 16);
	ip[1].hop_limit = t->hops - 1;
	sent(skb, s, IN, t->size, t->one, by);
	sent(skb, other, OUT, t->size, t->one, 0);
	return go(h);
}

/* unwrap takes a packet out of its tunnel: at the home agent one of a mobile node, to be forwarded; at the mobile node one
 * for its applications. Only the ends of the path may have sent it (RFC 6275 §10.4.5, §11.3.1). */
static __always_inline int unwrap(struct __sk_buff *skb, struct setting *set)
{
	struct taken t;
	struct ipv6hdr *ip;
	struct path *p;
	struct slot *s;
	struct took *by = 0;
	struct hop *h = 0;
	__u32 index;
	__u8 proto;

	ip = at(skb, ETH_HLEN, 2 * IP_HEADER);
	if (!ip || !whole(skb, ip, ip + 1, ETH_HLEN))
		return rest(skb, set, LENGTH);
	p = path_of(set->agent ? &ip[1].saddr : &ip[1].daddr, set);
	if (!p || !(p->flags & AGENT) != !set->agent)
		return rest(skb, set, TUNNEL);
	if (!same(&ip->daddr, p->local) || !same(&ip->saddr, p->remote)) {
		by = further(p, ip);
		if (!by)
			return rest(skb, set, TUNNEL);
	}
	index = p->slot;
	s = bpf_map_lookup_elem(&slots, &index);
	if (!s || !(p->flags & TAKES) || set->off)
		return rest(skb, set, SLOW_PATH);
	if (!carries(ip, ip + 1))
		return rest(skb, set, CONGESTION);
	if (!usual(&ip[1].daddr) || !usual(&ip[1].saddr))
		return rest(skb, set, BAD_ADDRESS);
	t.hops = ip[1].hop_limit;
	t.size = bpf_ntohs(ip[1].payload_len) + IP_HEADER;
	t.first = *(__u32 *)&ip[1];
	t.src = ip[1].saddr;
	t.dst = ip[1].daddr;
	proto = ip[1].nexthdr;
	if (!passes(skb, ETH_HLEN + IP_HEADER, proto))
		return rest(skb, set, UPPER_LAYER);
	t.one = largest(skb, ETH_HLEN + IP_HEADER, proto, t.size);
	if (!t.one)
		return rest(skb, set, UPPER_LAYER);
	if (!open(p, s, IN))
		return rest(skb, set, WAITING);
	if (set->agent) {
		if (t.hops <= 1)
			return rest(skb, set, HOP_LIMIT);
		h = route(skb, t.first, t.src.s6_addr32, t.dst.s6_addr32, t.size);
		if (!h)
			return rest(skb, set, NO_ROUTE);
		if (h->ifindex == set->tun)
			return relay(skb, &t, p, s, by, set);
		if (set->bare && path_of(&t.dst, set))
			return rest(skb, set, BETWEEN);
	} else if (set->straight && proto == IP_ICMPV6) { /* it may be about a packet that went straight */
		return rest(skb, set, UPPER_LAYER);
	} else if (p->flags & HINTS && !heard(p, &t.src, set)) {
		return rest(skb, set, NEW_PEER);
	}
	if (bpf_skb_adjust_room(skb, -IP_HEADER, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_DECAP_L3_IPV6))
		return rest(skb, set, REFUSED);
	sent(skb, s, IN, t.size, t.one, by);
	if (!h)
		return bpf_redirect(set->tun, BPF_F_INGRESS);
	ip = at(skb, ETH_HLEN, IP_HEADER);
	if (!ip)
		return TC_ACT_SHOT; /* cannot be: it was there */
	ip->hop_limit = t.hops - 1;
	return go(h);
}

/* link stands before a link's own stack. */
SEC("tc")
int link(struct __sk_buff *skb)
{
	struct setting *set = setting_of();
	struct ipv6hdr *ip;
	struct path *p;

	if (!set || skb->protocol != bpf_htons(ETH_P_IPV6) || skb->pkt_type != PACKET_HOST || skb->vlan_present)
		return LEAVE;
	ip = at(skb, ETH_HLEN, IP_HEADER);
	if (!ip)
		return LEAVE;
	if (ip->nexthdr == IP_IPV6)
		return unwrap(skb, set);
	p = path_of(&ip->daddr, set);
	if (!p || !(p->flags & AGENT))
		return LEAVE;
	return represent(skb, p, set);
}

/* goes_straight says whether the plane sends a packet of an application without the tunnel, RFC 6275 §11.3.1. */
static __always_inline int goes_straight(struct ipv6hdr *ip)
{
	__u32 pair[8];

	__builtin_memcpy(pair, &ip->saddr, 32);
	return bpf_map_lookup_elem(&straight, pair) != 0;
}

/* depart encapsulates, for a mobile node, what its applications send. The packet comes without a link header. */
static __always_inline int depart(struct __sk_buff *skb, struct path *p, struct slot *s, struct setting *set)
{
	struct wrapped w = {};
	struct ipv6hdr *ip = at(skb, 0, IP_HEADER);
	void *frame;
	__u32 why;

	if (!ip || !(p->flags & SENDS) || set->off)
		return leave(SLOW_PATH);
	if (set->straight && goes_straight(ip))
		return leave(STRAIGHT);
	why = fits(skb, ip, 0, p, &w);
	if (why != REASONS)
		return leave(why);
	if (!open(p, s, OUT))
		return leave(WAITING);
	if (bpf_skb_adjust_room(skb, IP_HEADER, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 |
		(skb->gso_size && w.one + IP_HEADER <= p->mtu ? BPF_F_ADJ_ROOM_FIXED_GSO : 0)))
		return leave(REFUSED);
	ip = at(skb, 0, IP_HEADER);
	if (!ip)
		return TC_ACT_SHOT;
	header(ip, p, &w, 64);
	sent(skb, s, OUT, w.size, w.one, 0);
	if (bpf_skb_change_head(skb, ETH_HLEN, 0))
		return TC_ACT_SHOT;
	frame = at(skb, 0, ETH_HLEN);
	if (!frame)
		return TC_ACT_SHOT;
	__builtin_memcpy(frame, p->frame, 12);
	((struct ethhdr *)frame)->h_proto = bpf_htons(ETH_P_IPV6);
	return bpf_redirect(p->ifindex, 0);
}

/* tun stands before the Kernel port. It counts what is left to the plane, by path and direction; classify in counts.go
 * counts the same packets when the plane has finished them, and must see what this sees. */
SEC("tc")
int tun(struct __sk_buff *skb)
{
	struct setting *set = setting_of();
	struct ipv6hdr *ip;
	struct path *p;
	struct slot *s;
	__u32 index;
	int dir = OUT, verdict = LEAVE;

	if (!set || skb->protocol != bpf_htons(ETH_P_IPV6))
		return LEAVE;
	ip = at(skb, 0, IP_HEADER);
	if (!ip)
		return LEAVE;
	if (ip->nexthdr == IP_IPV6) {
		ip = at(skb, 0, 2 * IP_HEADER);
		if (!ip)
			return LEAVE;
		dir = IN;
		p = path_of(&ip[1].daddr, set);
		if (!p || p->flags & AGENT) {
			p = path_of(&ip[1].saddr, set);
			if (!p || !(p->flags & AGENT))
				return LEAVE;
		}
	} else {
		p = path_of(&ip->saddr, set);
		if (!p || p->flags & AGENT) {
			p = path_of(&ip->daddr, set);
			if (!p || !(p->flags & AGENT))
				return LEAVE;
		}
	}
	index = p->slot;
	s = bpf_map_lookup_elem(&slots, &index);
	if (!s)
		return LEAVE;
	if (dir == OUT && !(p->flags & AGENT))
		verdict = depart(skb, p, s, set);
	if (verdict == LEAVE)
		__sync_fetch_and_add(&s->slow[dir], segments(skb));
	return verdict;
}

char _license[] SEC("license") = "Dual MIT/GPL";
