package nd

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"roam6/wire/ip6"
	"roam6/wire/subopt"
)

// OptExperiment is the option type of experiments, RFC 4727. In it travel the suboptions of the handover and access drafts,
// padded with zeros to whole 8 octets, so that other hosts can read the message.
const OptExperiment uint8 = 253

// Limits of Access in octets.
const (
	MinChallenge = 8
	MaxChallenge = 32
	MaxNetwork   = 253
)

// Access is what a router advertisement says to a mobile node that wants to be let in: draft-le-aaa-diameter-mobileipv6-04 §7.1, §7.3.1.
// docs/access.md draws it.
type Access struct {
	LocalChallenge []byte     // MinChallenge to MaxChallenge octets; changes often
	Network        string     // the visited network's identifier, usually its realm: at most MaxNetwork octets of UTF-8 without spaces
	Client         netip.Addr // where requests go
	Epoch          uint32     // changes when the AAA client has lost sessions whose nodes cannot know; 0: it tells nothing of that
}

// takeAccess leaves an option that is not ours, and a second one, among the unknown.
func (o *Options) takeAccess(opt []byte) bool {
	if o.Access != nil {
		return false
	}
	a, ours := ParseAccess(opt)
	if ours {
		o.Access = &a
	}
	return ours
}

// ParseAccess reads an option OptExperiment from its type on. Everybody's experiments share this type (RFC 4727), so one that is not
// ours, or lacks one of the three that it must have, is no error.
//
// spec DM-05
func ParseAccess(opt []byte) (a Access, ours bool) {
	if len(opt) < 2 || opt[0] != OptExperiment {
		return Access{}, false
	}
	list, err := subopt.Parse("nd", opt[2:], 0)
	if err != nil {
		return Access{}, false
	}
	for _, v := range list {
		switch {
		case v.Type == subopt.LocalChallenge && a.LocalChallenge == nil && len(v.Data) >= MinChallenge && len(v.Data) <= MaxChallenge:
			a.LocalChallenge = append([]byte(nil), v.Data...)
		case v.Type == subopt.VisitedNetwork && a.Network == "" && networkName(v.Data):
			a.Network = string(v.Data)
		case v.Type == subopt.AAAClient && !a.Client.IsValid() && len(v.Data) == 16 && ip6.Routable(addrAt(v.Data, 0)):
			a.Client = addrAt(v.Data, 0)
		case v.Type == subopt.Epoch && a.Epoch == 0 && len(v.Data) == 4 && binary.BigEndian.Uint32(v.Data) != 0:
			a.Epoch = binary.BigEndian.Uint32(v.Data)
		case v.Type >= subopt.LocalChallenge && v.Type <= subopt.AAAClient || v.Type == subopt.Epoch:
			return Access{}, false
		}
	}
	if a.LocalChallenge == nil || a.Network == "" || !a.Client.IsValid() {
		return Access{}, false
	}
	return a, true
}

func networkName(b []byte) bool {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return len(b) > 0 && len(b) <= MaxNetwork && utf8.Valid(b) && !strings.ContainsFunc(string(b), bad)
}

func (a *Access) append(b []byte) []byte {
	d := subopt.Append(nil, subopt.LocalChallenge, a.LocalChallenge)
	d = subopt.Append(d, subopt.VisitedNetwork, []byte(a.Network))
	d = appendAddr(append(d, subopt.AAAClient, subopt.HeaderLen+16), a.Client)
	if a.Epoch != 0 {
		d = subopt.Append(d, subopt.Epoch, binary.BigEndian.AppendUint32(nil, a.Epoch))
	}
	return RawOption{OptExperiment, d}.append(b)
}
