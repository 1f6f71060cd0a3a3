package describe

import (
	"fmt"
	"time"

	"roam6/wire/access"
	"roam6/wire/eap"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// Layouts of the access messages (docs/access.md). Nothing in them is secret: they cross the air in clear, and whoever has no long-term
// key makes nothing of challenges, authentication data and random numbers.

const accessDraft = "draft-le-aaa-diameter-mobileipv6-04 "

// suboptions are those of the drafts: Length counts the whole, padding is single octets. A value that is split shows as its pieces.
var suboptions = options{title: "Suboptions", unit: 1, whole: true, layouts: map[uint8]layout{
	subopt.LocalChallenge:  {"Local Challenge", accessDraft + "§7.3.1", []field{{"Challenge", 2, toEnd, octets}}},
	subopt.VisitedNetwork:  {"Visited Network Identifier", accessDraft + "§7.3.1", []field{{"Identifier", 2, toEnd, text}}},
	subopt.AAAClient:       {"AAA Client Address", accessDraft + "§7.3.1", []field{{"Address", 2, 16, address}}},
	subopt.NAI:             {"Network Access Identifier", accessDraft + "§3.2", []field{{"NAI", 2, toEnd, text}}},
	subopt.HomeAddress:     {"Home Address", accessDraft + "§3.2", []field{{"Address", 2, 16, address}}},
	subopt.CareOfAddress:   {"Care-of Address", accessDraft + "§7.3.1", []field{{"Address", 2, 16, address}}},
	subopt.HostChallenge:   {"Host Challenge", accessDraft + "§7.3.1", []field{{"Challenge", 2, toEnd, octets}}},
	subopt.MNAuth:          {"MN Authentication Data", accessDraft + "§7.3.1", []field{{"MAC", 2, toEnd, octets}}},
	subopt.Features:        {"MIP Feature Data", accessDraft + "§6.1", []field{{"Flags", 2, 4, features}}},
	subopt.EAP:             {"EAP Data", accessDraft + "§6.2", []field{{"EAP", 2, toEnd, octets}}},
	subopt.KeyRequest:      {"Key Request", accessDraft + "§6.3", []field{{"Keys", 2, toEnd, octets}}},
	subopt.Embedded:        {"Embedded Data", accessDraft + "§6.4", []field{{"Packet", 2, toEnd, octets}}},
	subopt.Result:          {"Result", "RFC 6733 §7.1", []field{{"Result-Code", 2, 4, dec}}},
	subopt.NetworkAuth:     {"Network Authentication Data", accessDraft + "§7.6", []field{{"MAC", 2, toEnd, octets}}},
	subopt.KeyData:         {"Key Data", accessDraft + "§10", []field{{"Keys", 2, toEnd, octets}}},
	subopt.SessionLifetime: {"Session Lifetime", "RFC 6733 §8.13", []field{{"Lifetime", 2, 4, seconds}}},
	subopt.Epoch:           {"Epoch", "docs/access.md", []field{{"Epoch", 2, 4, hex}}},
}}

// features shows the flags of draft-le-aaa-diameter-mobileipv6-04 §8.3.1, the lowest bit first.
func features(b []byte) string {
	names := [...]string{"Home-Agent-Requested", "Mobile-Node-Home-Address-Requested", "Home-Address-Allocatable-Only-in-Home-Domain",
		"Home-Agent-in-Visited-Domain", "Visited-Home-Agent-Available"}
	s, n := hex(b), number(b)
	for i, name := range names {
		if n>>i&1 == 1 {
			s += ", " + name
		}
	}
	return s
}

// accessMessages are the layouts of the subtypes of ICMPv6 type 150 that are known.
var accessMessages = map[uint8]icmpMessage{
	access.SubtypeRequest: {layout{"AAA Request", accessDraft + "§7.3.1", accessHeader}, access.HeaderLen},
	access.SubtypeReply:   {layout{"AAA Reply", accessDraft + "§7.3.2", accessHeader}, access.HeaderLen},
}

var accessHeader = []field{
	{"Subtype", 4, 1, named(accessSubtype)},
	{"Option", 8, 1, dec},
	{"Length", 9, 1, func(b []byte) string { return fmt.Sprintf("%d (%s)", b[0], count(8*int(b[0]))) }},
	{"Part", 10, 1, dec},
	{"Parts", 11, 1, dec},
	{"Identifier", 12, 4, hex},
}

func accessSubtype(s uint8) string {
	return map[uint8]string{access.SubtypeRequest: "AAA Request", access.SubtypeReply: "AAA Reply"}[s]
}

// accessKeys shows the entries of a Key Request or Key Data suboption that came in one piece; b is the whole suboption.
func accessKeys(b []byte, base int) (out []Tree) {
	one := layout{"Key", "", []field{{"Length", 0, 1, sized}, {"Use", 1, 1, named(keyUse)}, {"Methods", 2, 1, named(keyMethods)}, {"SPI", 4, 4, hex}}}
	rest := []field{{"Public value", 8, 32, octets}}
	if b[0] == subopt.KeyData {
		one.fields = append(one.fields[:3:3], field{"Algorithm", 3, 1, named(keyAlgorithm)}, one.fields[3], field{"Lifetime", 8, 4, seconds})
		rest = []field{{"Random number or public value", 12, 32, octets}, {"MAC", 44, 16, octets}}
	}
	for at := subopt.HeaderLen; at < len(b); {
		n := int(b[at])
		if n < 8 || at+n > len(b) {
			return nil // in pieces, or broken: the codec says so
		}
		fields := one.fields
		for _, f := range rest {
			if f.at+f.n <= n {
				fields = append(fields[:len(fields):len(fields)], f)
			}
		}
		e := b[at : at+n]
		out = append(out, Tree{Name: one.name, Offset: base + at, Len: n, Kids: rows(e, base+at, fields, false)})
		at += n
	}
	return out
}

func keyUse(u uint8) string {
	return map[access.Use]string{access.HomeAgent: "MN-HA", access.AccessRouter: "MN-AR"}[access.Use(u)]
}

func keyMethods(m uint8) string {
	return map[uint8]string{1: "random number", 2: "Diffie-Hellman", 3: "random number or Diffie-Hellman"}[m]
}

func keyAlgorithm(a uint8) string {
	return map[access.Algorithm]string{access.AESGCM: "ESP with AES-GCM, 256 bits"}[access.Algorithm(a)]
}

// accessBody shows the suboptions of a message from octet at on.
func (c *chain) accessBody(b []byte, base, at int) Tree {
	t := suboptions.show(b, base, at, c.cut)
	lightweight(t.Kids, b, base)
	for i := range t.Kids {
		k := &t.Kids[i]
		switch o := b[k.Offset-base : k.Offset-base+k.Len]; {
		case len(o) < subopt.HeaderLen:
		case o[0] == subopt.KeyRequest || o[0] == subopt.KeyData:
			if keys := accessKeys(o, k.Offset); keys != nil {
				k.Value, k.Kids = "", keys
			}
		case o[0] == subopt.EAP && whole(t.Kids[:i], o):
			if _, err := eap.Parse(o[subopt.HeaderLen:]); err == nil { // else the codec says what is wrong
				k.Value, k.Kids = "", []Tree{eapPacket(o[subopt.HeaderLen:], k.Offset+subopt.HeaderLen)}
			}
		case o[0] == subopt.Embedded && len(o) < subopt.MaxLen && c.depth+1 < MaxDepth:
			inner := c.in(k.Offset + subopt.HeaderLen)
			p := packet(o[subopt.HeaderLen:], inner)
			p.Brief = "with " + p.Brief
			k.Value, k.Kids = "", []Tree{p}
		}
	}
	return t
}

// whole says whether a suboption is neither the beginning nor the end of a value that is split; before are those in front of it.
func whole(before []Tree, o []byte) bool {
	return len(o) < subopt.MaxLen && (len(before) == 0 || before[len(before)-1].Len < subopt.MaxLen)
}

// accessOption shows the suboptions in an option of neighbour discovery that the codec took for ours.
func accessOption(t *Tree, b []byte, base int) {
	if _, ours := nd.ParseAccess(b); !ours {
		return
	}
	t.Name, t.Ref, t.Value = "Access", "RFC 4727", ""
	t.Kids = suboptions.show(b, base, 2, false).Kids
}

// judgeAccess asks the codec about a message; what a part of several holds can be judged only with the others.
func judgeAccess(c *chain, b []byte) (base int, err error) {
	p, err := access.Parse(c.src, c.dst, b)
	if err != nil || p.Parts != 1 {
		return 0, err
	}
	_, err = access.Join([]access.Part{p})
	return access.HeaderLen, err
}

// accessBrief is a message in words, behind its name.
func accessBrief(b []byte) string {
	if len(b) < access.HeaderLen {
		return ""
	}
	s := fmt.Sprintf(" id 0x%x", b[12:16])
	if b[11] != 1 {
		s += fmt.Sprintf(" part %d of %d", int(b[10])+1, b[11])
	}
	list, err := subopt.Parse("access", b[access.HeaderLen:], 0)
	if err != nil {
		return s
	}
	for _, v := range list[:min(len(list), MaxOptions)] {
		s += suboptionBrief(v)
	}
	return s
}

func suboptionBrief(v subopt.Value) string {
	switch d := v.Data; {
	case v.Type == subopt.NAI && len(d) <= access.MaxText:
		return " nai " + text(d)
	case (v.Type == subopt.CareOfAddress || v.Type == subopt.HomeAddress) && len(d) == 16:
		return map[uint8]string{subopt.CareOfAddress: " coa ", subopt.HomeAddress: " home "}[v.Type] + address(d)
	case v.Type == subopt.Features && len(d) == 4:
		return fmt.Sprintf(" features %d", number(d))
	case v.Type == subopt.Result && len(d) == 4:
		return fmt.Sprintf(" result %d", number(d))
	case v.Type == subopt.SessionLifetime && len(d) == 4:
		return fmt.Sprintf(" lifetime %v", time.Duration(number(d))*time.Second)
	}
	return ""
}
