// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// What the fast path is told, and what it tells: the maps of fast.c.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define LEAVE (-1) /* TCX_NEXT: the packet goes on as it came */
#define AF_INET6 10
#define IP_HEADER 40
#define IP_ICMPV6 58 /* linux/in6.h has them as an enum of names that differ between versions */
#define IP_ESP 50
#define IP_TCP 6
#define IP_UDP 17
#define IP_IPV6 41

#ifndef BPF_F_ADJ_ROOM_DECAP_L3_IPV6
#define BPF_F_ADJ_ROOM_DECAP_L3_IPV6 (1ULL << 8) /* Linux 6.3 */
#endif

/* Flags of a path. */
#define AGENT 1  /* this node represents the address; else its applications have it */
#define SENDS 2  /* packets may be encapsulated here */
#define TAKES 4  /* packets may be decapsulated here */
#define FORCED 8 /* whether or not the plane has caught up */
#define WAYS 16  /* packets are also accepted by the ends in map ends */
#define NET 32   /* of a prefix */
#define HINTS 64 /* the engines want to hear of new peers */

/* Directions of the counters of a slot. */
#define OUT 0 /* toward the path's far end */
#define IN 1  /* from it */

/* Why a packet was left to the plane. The names are in report.go, in this order. */
enum why {
	SLOW_PATH,   /* the path is not fast */
	WAITING,     /* packets left before it are not finished */
	UPPER_LAYER, /* no TCP, UDP, ESP or ICMPv6 that only passes: extension headers, fragments, tunnels, mobility */
	LENGTH,      /* padding, jumbograms, lengths that lie */
	HOP_LIMIT,
	TOO_BIG,
	BAD_ADDRESS,
	CONGESTION, /* a mark that must be carried into the inner packet */
	NO_ROUTE,   /* the kernel forwards it by the TUN, or not at all */
	REFUSED,    /* a helper refused; the packet is as it was */
	TUNNEL,     /* no path has these ends */
	BETWEEN,    /* to a path whose packets the kernel does not hand over */
	NEW_PEER,   /* the engines are told of it */
	STRAIGHT,   /* goes to its peer without the tunnel */
	REASONS,
};

struct path {
	__u32 local[4];
	__u32 remote[4];
	__u32 slot;
	__u16 mtu; /* octets of the largest tunnel packet */
	__u8 flags;
	__u8 pad;
	__u32 ifindex; /* the mobile side: the link to leave by, and the addresses of the frame */
	__u8 frame[12];
};

/* What a path has carried, and how far the plane is. The plane alone writes done, in a cache line of its own. */
struct slot {
	__u64 slow[2];
	__u64 packets[2];
	__u64 octets[2];
	__u64 pad[2];
	__u64 done[2];
	__u64 pad2[6];
};

struct setting {
	__u32 tun;      /* interface number of the Kernel port */
	__u32 off;      /* nothing is fast */
	__u32 nets;     /* there are paths of prefixes */
	__u32 straight; /* there are pairs that talk straight */
	__u32 agent;    /* paths are of the agent's side, else of the mobile one */
	__u32 bare;     /* there are paths whose packets the kernel does not hand over */
	__u64 hint;     /* nanoseconds for which a peer is known */
};

/* Paths of whole addresses. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32[4]);
	__type(value, struct path);
} paths SEC(".maps");

struct net {
	__u32 bits;
	__u32 addr[4];
};

/* Paths of prefixes. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct net);
	__type(value, struct path);
} nets SEC(".maps");

/* Further tunnels that packets of a path are accepted by, and what came. */
struct end {
	__u32 slot;
	__u32 local[4];
	__u32 remote[4];
};

struct took {
	__u64 packets;
	__u64 octets;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct end);
	__type(value, struct took);
} ends SEC(".maps");

/* Source and destination of what leaves a mobile node straight: the plane writes the headers. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32[8]);
	__type(value, __u32);
} straight SEC(".maps");

struct peer {
	__u32 slot;
	__u32 addr[4];
};

/* When the plane, and so the engines, saw a packet of a peer. Strangers may fill it: then more packets are left. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct peer);
	__type(value, __u64);
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* Addresses of a mobile node: what the link program leaves of tunnel packets to them goes into the TUN. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32[4]);
	__type(value, __u32);
} locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASONS);
	__type(key, __u32);
	__type(value, __u64);
} left SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct setting);
} settings SEC(".maps");

/* A route that the kernel told, good until its clock ticks: at most some milliseconds after the kernel has another one. */
struct hop {
	__u32 src[4];
	__u32 dst[4];
	__u32 flow;
	__u32 from; /* the interface the packet came by */
	__u64 tick;
	__u32 ifindex;
	__u32 mtu;
	__u32 next[4];
};

#define HOPS 1024 /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HOPS);
	__type(key, __u32);
	__type(value, struct hop);
} hops SEC(".maps");

