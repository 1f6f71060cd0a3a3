//go:build ignore

// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// A generator and a sink of numbered packets that cost little beside what stands between them.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define NUMBER_AT (40 + 8) /* behind the IPv6 and UDP headers */

struct tally {
	__u64 sent;
	__u64 received;
	__u64 octets;
	__u64 late;  /* came after one with a higher number */
	__u64 next;  /* the number that is due */
	__u64 wrong; /* no packet of the generator's */
	__u64 gap;   /* nanoseconds between packets; 0: none */
	__u64 due;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} tallies SEC(".maps");

/* What every packet begins with. The pages of the packets are used again, as those who forwarded them have left them. */
struct head {
	__u64 words[12]; /* 96 octets: more than the headers of a tunnel packet but its UDP header, which nobody changes */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct head);
} heads SEC(".maps");

static __always_inline struct tally *tally_of(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&tallies, &zero);
}

static long waited(__u32 i, __u64 *due) { return bpf_ktime_get_ns() >= *due; }

/* number makes a packet of the pattern it is run with, and lets the stack have it. */
SEC("xdp")
int number(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct tally *t = tally_of();
	__u32 zero = 0, off = ETH_HLEN + NUMBER_AT;
	struct head *h = bpf_map_lookup_elem(&heads, &zero);

	if (!t || !h)
		return XDP_DROP;
	if (t->gap) {
		__u64 due = t->due;

		bpf_loop(1 << 20, waited, &due, 0);
		t->due = (due ? due : bpf_ktime_get_ns()) + t->gap;
	}
	if (data + sizeof(*h) <= end) {
		__builtin_memcpy(data, h, sizeof(*h));
		if (((struct ipv6hdr *)(data + ETH_HLEN))->nexthdr == 41)
			off += 40;
	} else if (data + 72 <= end) {
		__builtin_memcpy(data, h, 72);
	}
	if (data + off + 4 > end)
		return XDP_DROP;
	*(__u32 *)(data + off) = (__u32)t->sent++;
	return XDP_PASS;
}

/* sink counts and drops what number made, in a tunnel or out of it. The rest it lets pass. */
SEC("tc")
int sink(struct __sk_buff *skb)
{
	struct tally *t = tally_of();
	__u32 number, off = ETH_HLEN;
	struct ipv6hdr ip;

	if (!t || skb->protocol != bpf_htons(ETH_P_IPV6) || bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return -1;
	if (ip.nexthdr == 41) {
		off += 40;
		if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
			return -1;
	}
	if (ip.nexthdr != 17)
		return -1;
	if (bpf_skb_load_bytes(skb, off + NUMBER_AT, &number, 4)) {
		t->wrong++;
		return 2;
	}
	t->received++;
	t->octets += skb->len;
	if (number < t->next)
		t->late++;
	else
		t->next = (__u64)number + 1;
	return 2;
}

char _license[] SEC("license") = "Dual MIT/GPL";
