package describe

import (
	"fmt"
	"strings"
	"time"

	"roam6/wire/access"
	"roam6/wire/fast"
	"roam6/wire/icmp6"
	"roam6/wire/nd"
)

// icmpBrief is what a message says besides its name. It reads what is there and judges nothing.
func icmpBrief(b []byte) string {
	switch kind := b[0]; {
	case kind == 1 || kind == 3:
		return fmt.Sprintf(" code %d", b[1])
	case len(b) < 8:
		return ""
	case kind == icmp6.TypePacketTooBig:
		return fmt.Sprintf(" mtu %d", number(b[4:8]))
	case kind == icmp6.TypeParameterProblem:
		return fmt.Sprintf(" code %d pointer %d", b[1], number(b[4:8]))
	case kind == icmp6.TypeEchoRequest || kind == icmp6.TypeEchoReply:
		return fmt.Sprintf(" id 0x%x seq %d", b[4:6], number(b[6:8]))
	case kind >= icmp6.TypeHomeAgentsRequest && kind <= icmp6.TypePrefixAdvertisement:
		return discoveryBrief(b)
	case access.IsAccess(b):
		return accessBrief(b)
	case fast.IsFast(b):
		return handoverBrief(b)
	case kind == nd.TypeFast:
		return proxyBrief(b)
	case nd.IsND(kind):
		return ndBrief(b)
	case icmp6.IsListener(kind):
		return listenerBrief(b)
	}
	return ""
}

// discoveryBrief is for the messages of RFC 6275 §6.5-6.8.
func discoveryBrief(b []byte) string {
	s := fmt.Sprintf(" id %d", number(b[4:6]))
	switch b[0] {
	case icmp6.TypeHomeAgentsReply:
		n := (len(b) - 8) / 16
		if n == 0 {
			return s + " no agents"
		}
		s += " agents"
		for at, n := 8, min(n, maxBrief); n > 0; at, n = at+16, n-1 {
			s += " " + address(b[at:at+16])
		}
		return s + andMore(n)
	case icmp6.TypePrefixAdvertisement:
		return s + letters("MO", b[6]&0x80 != 0, b[6]&0x40 != 0) + ndOptionsBrief(b, 8)
	}
	return s
}

func ndBrief(b []byte) string {
	switch {
	case b[0] == 134:
		return " lifetime " + (time.Duration(number(b[6:8])) * time.Second).String() +
			letters("MOH", b[5]&0x80 != 0, b[5]&0x40 != 0, b[5]&0x20 != 0) + ndOptionsBrief(b, 16)
	case b[0] == 137 && len(b) >= 40:
		return fmt.Sprintf(" %s via %s", address(b[24:40]), address(b[8:24])) + ndOptionsBrief(b, 40)
	case b[0] == 136 && len(b) >= 24:
		return " " + address(b[8:24]) + letters("RSO", b[4]&0x80 != 0, b[4]&0x40 != 0, b[4]&0x20 != 0) + ndOptionsBrief(b, 24)
	case b[0] == 135 && len(b) >= 24:
		return " " + address(b[8:24]) + ndOptionsBrief(b, 24)
	case b[0] == 133:
		return ndOptionsBrief(b, 8)
	}
	return ""
}

// maxBrief is the number of prefixes or addresses in a summary; the others are counted.
const maxBrief = 4

func andMore(n int) string {
	if n > maxBrief {
		return fmt.Sprintf(" and %d more", n-maxBrief)
	}
	return ""
}

// ndOptionsBrief is the prefixes and the mobility options of a message whose options begin at octet at.
func ndOptionsBrief(b []byte, at int) string {
	var s, last strings.Builder
	prefixes := 0
	for n := 0; at+8 <= len(b) && n < MaxOptions; n++ {
		size := 8 * int(b[at+1])
		if size == 0 || at+size > len(b) {
			break
		}
		o := b[at : at+size]
		switch {
		case o[0] == nd.OptPrefix && size == 32:
			if prefixes++; prefixes <= maxBrief {
				fmt.Fprintf(&s, " prefix %s/%d%s valid %s preferred %s", address(o[16:32]), o[2],
					letters("LAR", o[3]&0x80 != 0, o[3]&0x40 != 0, o[3]&0x20 != 0), life(o[4:8]), life(o[8:12]))
			}
		case o[0] == nd.OptAdvInterval:
			fmt.Fprintf(&last, " every %v", time.Duration(number(o[4:8]))*time.Millisecond)
		case o[0] == nd.OptNAAck:
			fmt.Fprintf(&last, " naack %d (%v)", o[3], nd.NAAckStatus(o[3]))
		case o[0] == nd.OptExperiment:
			if a, ours := nd.ParseAccess(o); ours {
				fmt.Fprintf(&last, " access to %s at %v", text([]byte(a.Network)), a.Client)
			} else if h, ours := nd.ParseHandover(o); ours {
				last.WriteString(suboptionsBrief(&h))
			}
		case o[0] == nd.OptHomeAgent:
			fmt.Fprintf(&last, " agent preference %d lifetime %v", number(o[4:6]), time.Duration(number(o[6:8]))*time.Second)
		}
		at += size
	}
	return s.String() + andMore(prefixes) + last.String()
}

// life is the lifetime of a prefix, RFC 4861 §4.6.2.
func life(b []byte) string {
	if number(b) == uint64(^uint32(0)) {
		return "infinite"
	}
	return (time.Duration(number(b)) * time.Second).String()
}
