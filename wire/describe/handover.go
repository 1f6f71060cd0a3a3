package describe

import (
	"fmt"
	"strings"
	"time"

	"roam6/wire/fast"
	"roam6/wire/krb5"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// Layouts of the messages of fast handover with Kerberos and of their suboptions (docs/fast.md). Tickets and Kerberos messages are shown: they
// cross the air, and what is secret in them is encrypted. Contexts with keys are not.

const (
	fastDraft     = "draft-koodli-mobileip-fastv6-02 "
	kerberosDraft = "draft-blair-rt-mobileipv6-seamoby-00 "
)

func init() {
	for kind, l := range map[uint8]layout{ //order:any
		subopt.KerberosName:    {"Kerberos Principal", fastDraft + "§5.1", []field{{"Principal", 2, toEnd, principal}}},
		subopt.Negotiation:     {"Negotiation Flag", kerberosDraft + "B.3", []field{{"Flag", 2, 1, named(strictness)}}},
		subopt.KerberosMessage: {"Kerberos Message", kerberosDraft + "B.3", []field{{"Message", 2, toEnd, kerberos}}},
		subopt.Lightweight:     {"Lightweight Kerberos Message", fastDraft + "§6.1", []field{{"Message", 2, toEnd, octets}}},
		subopt.RealmsRequest:   {"Adjacent Realms Request", fastDraft + "§6.1.1", []field{{"Reserved", 2, 2, hex}}},
		subopt.RealmList:       {"Adjacent Realms", fastDraft + "§6.1.1", []field{{"Realms", 2, toEnd, texts}}},
		subopt.TGT:             {"Ticket-Granting Ticket", kerberosDraft + "B.2", []field{{"Ticket", 2, toEnd, kerberos}}},
		subopt.ControlFlags:    {"Control", fastDraft + "§2", []field{{"Flags", 2, 1, flags("Buffer (B)")}}},
		subopt.ContextData:     {"Context", fastDraft + "§2", []field{{"Contexts", 2, toEnd, contexts}}},
		subopt.PreviousCareOf:  {"Previous Care-of Address", fastDraft + "§2", []field{{"Address", 2, 16, address}}},
		subopt.LinkLayer:       {"Link-Layer Address", fastDraft + "§2", []field{{"Address", 2, 6, hardware}}},
		subopt.FailureReason:   {"Reason", fastDraft + "§7", []field{{"Reason", 2, 1, named(func(r uint8) string { return subopt.Reason(r).String() })}}},
		subopt.RouterLife:      {"Life of the Router", "docs/fast.md", []field{{"Life", 2, 4, hex}}},
	} {
		suboptions.layouts[kind] = l
	}
}

func strictness(f uint8) string {
	return map[subopt.Strictness]string{subopt.Local: "L, local authentication", subopt.Both: "B, local followed by global authentication",
		subopt.Global: "G, global authentication"}[subopt.Strictness(f)]
}

// texts shows strings that each have one octet of length before them; what is left of a value that is split, as octets.
func texts(b []byte) string {
	var out []string
	for rest := b; len(rest) > 0; {
		n := 1 + int(rest[0])
		if n > len(rest) || len(out) == subopt.MaxRealms {
			return octets(b)
		}
		out, rest = append(out, text(rest[1:n])), rest[n:]
	}
	return strings.Join(out, ", ")
}

// principal shows a name and its realm.
func principal(b []byte) string {
	h, err := subopt.ParseHandover("", subopt.Append(nil, subopt.KerberosName, b), 0)
	if err != nil {
		return octets(b)
	}
	return text([]byte(h.Principal.String()))
}

// gssToken is the tag of the tokens of GSS-API that IAKERB is in, RFC 2743 §3.1.
const gssToken = 0x60

// kerberos names a message of RFC 4120 §5.10 by its tag.
func kerberos(b []byte) string {
	if k := krb5.KindOf(b); k != 0 {
		return k.String() + " " + octets(b)
	}
	if len(b) > 0 && b[0] == gssToken {
		return "IAKERB " + octets(b)
	}
	return octets(b)
}

// contexts shows what state there is, and none of what is in it.
func contexts(b []byte) string {
	h, err := subopt.ParseHandover("", subopt.Append(nil, subopt.ContextData, b), 0)
	if err != nil {
		return count(len(b)) + " (hidden)" // a piece of a value that is split
	}
	names := map[subopt.ContextKind]string{subopt.ContextKeys: "keys", subopt.ContextSession: "session", subopt.ContextHeaders: "header compression"}
	var out []string
	for _, c := range h.Context {
		out = append(out, fmt.Sprintf("%s: %s (hidden)", or(names[c.Kind], "kind", uint8(c.Kind)), count(len(c.Data))))
	}
	return strings.Join(out, ", ")
}

var handoverHeader = []field{
	{"Subtype", 4, 1, named(func(s uint8) string { return handoverNames[s].name })},
	{"Option", 8, 1, dec},
	{"Length", 9, 1, func(b []byte) string { return fmt.Sprintf("%d (%s)", b[0], count(8*int(b[0]))) }},
}

var handoverNames = map[uint8]struct{ name, ref string }{
	fast.SubtypeRedirect:        {"Handover Redirect", fastDraft + "§5"},
	fast.SubtypeRedirectAck:     {"Handover Redirect Ack", fastDraft + "§6.1"},
	fast.SubtypeHandover:        {"Handover", fastDraft + "§6"},
	fast.SubtypeHandoverError:   {"Handover Error", fastDraft + "§7"},
	fast.SubtypeAuthenticatedMN: {"Authenticated-MN", fastDraft + "§6.1"},
	fast.SubtypeNotification:    {"Previous Router Notification", kerberosDraft + "B.2"},
	fast.SubtypeSHIN:            {"SHIN", fastDraft + "B"},
	fast.SubtypeSHREP:           {"SHREP", fastDraft + "B"},
}

var prefixSize = field{"Prefix Size", 12, 1, func(b []byte) string { return dec(b) + " bits" }}

// eui64 shows a MAC Address field.
func eui64(b []byte) string {
	if b[3] != 0xff || b[4] != 0xfe {
		return hardware(b)
	}
	return hardware([]byte{b[0], b[1], b[2], b[5], b[6], b[7]}) + " (as EUI-64)"
}

// handoverMessage is the layout of a message for which fast.IsFast holds: which fields there are follows from its flags.
func handoverMessage(b []byte) icmpMessage {
	n := handoverNames[b[4]]
	m := icmpMessage{layout{n.name, n.ref, handoverHeader[:len(handoverHeader):len(handoverHeader)]}, 16}
	add := func(name string, n int, show func([]byte) string) {
		m.fields = append(m.fields, field{name, m.options, n, show})
		m.options += n
	}
	var has uint8 // the octet of flags
	if len(b) > 13 {
		has = b[13]
	}
	switch b[4] {
	case fast.SubtypeRedirect:
		m.fields = append(m.fields, prefixSize, field{"Flags", 13, 1, flags("MAC address (M)", "Care-of address (C)", "Principal (S)")})
		add("Access Router IPv6 Address", 16, address)
		if has&0x80 != 0 {
			add("Access Router MAC Address", 8, eui64)
		}
		if has&0x40 != 0 {
			add("New Care-of Address", 16, address)
		}
	case fast.SubtypeRedirectAck, fast.SubtypeAuthenticatedMN:
		add("Length", 2, sized)
	case fast.SubtypeHandoverError:
		add("New Care-of Address", 16, address)
	case fast.SubtypeNotification:
		m.fields = append(m.fields, field{"Lifetime", 14, 2, optional(seconds, "forward no longer")})
		add("New Care-of Address", 16, address)
		add("Previous Care-of Address", 16, address)
	default:
		m.fields = append(m.fields, prefixSize, field{"Flags", 13, 1, flags("MAC address (M)")})
		add("New Care-of Address", 16, address)
		if has&0x80 != 0 {
			add("Mobile Node MAC Address", 8, eui64)
		}
	}
	return m
}

// handoverOption shows the suboptions in an option of neighbour discovery that the codec took for ours.
func handoverOption(t *Tree, b []byte, base int) {
	if _, ours := nd.ParseHandover(b); !ours {
		return
	}
	t.Name, t.Ref, t.Value = "Handover", "RFC 4727", ""
	t.Kids = suboptions.show(b, base, 2, false).Kids
	lightweight(t.Kids, b, base)
}

// handoverBrief is a message in words, behind its name.
func handoverBrief(b []byte) (s string) {
	m := handoverMessage(b)
	for _, f := range m.fields {
		if f.at+f.n > len(b) {
			break
		}
		v := b[f.at : f.at+f.n]
		switch f.name {
		case "Access Router IPv6 Address":
			s += " to " + address(v)
		case "New Care-of Address":
			s += " coa " + address(v)
		case "Previous Care-of Address":
			s += " from " + address(v)
		case "Lifetime":
			s += fmt.Sprintf(" lifetime %v", time.Duration(number(v))*time.Second)
		}
	}
	if m.options >= len(b) {
		return s
	}
	h, err := subopt.ParseHandover("", b[m.options:], 0)
	if err != nil {
		return s
	}
	return s + suboptionsBrief(&h)
}

// suboptionsBrief is what the suboptions of a handover say, in words.
func suboptionsBrief(h *subopt.Handover) (s string) {
	if p := h.Principal.String(); p != "" {
		s += " as " + text([]byte(p))
	}
	if h.Strictness != 0 {
		s += " flag " + h.Strictness.String()
	}
	if len(h.Kerberos) > 0 {
		name, _, _ := strings.Cut(kerberos(h.Kerberos), " ")
		s += " " + name
	}
	for _, x := range []struct {
		there bool
		word  string
	}{{len(h.Lightweight) > 0, "lwkrb"}, {len(h.TGT) > 0, "TGT"}, {h.RealmsWanted, "realms?"}, {h.Control&subopt.Buffer != 0, "buffer"},
		{len(h.Context) > 0, "context"}, {len(h.Embedded) > 0, "BU"}} {
		if x.there {
			s += " " + x.word
		}
	}
	if len(h.Realms) > 0 {
		s += fmt.Sprintf(" %d realms", len(h.Realms))
	}
	if h.Reason != 0 {
		s += fmt.Sprintf(" (%v)", h.Reason)
	}
	return s
}

// lightweight takes the lightweight Kerberos messages in suboptions apart, those too that are split over several: a message is shown at its
// first piece. b are the octets that begin at offset base.
func lightweight(kids []Tree, b []byte, base int) {
	for i := 0; i < len(kids); i++ {
		first := i
		var joined []byte
		var from []int // where each octet of joined stands
		for ; i < len(kids); i++ {
			at := kids[i].Offset - base
			if kids[i].Len <= subopt.HeaderLen || b[at] != subopt.Lightweight || kids[i].Fault != "" {
				break
			}
			for n := subopt.HeaderLen; n < kids[i].Len; n++ {
				joined, from = append(joined, b[at+n]), append(from, kids[i].Offset+n)
			}
		}
		if len(joined) == 0 {
			continue
		}
		t := lwkrbMessage(joined, 0)
		t.move(append(from, from[len(from)-1]+1))
		kids[first].Value, kids[first].Kids = "", []Tree{t}
		i--
	}
}

// move puts a tree of joined octets where these stand: octet i at to[i], the end of all at the last of to.
func (t *Tree) move(to []int) {
	end := t.Offset + t.Len
	t.Offset, t.Len = to[t.Offset], to[max(end-1, t.Offset)]-to[t.Offset]+min(1, t.Len)
	for i := range t.Kids {
		t.Kids[i].move(to)
	}
}
