package profile

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxNAI is how many octets an NAI may have (RFC 7542 §2.3: 253 SHOULD be supported, and nothing longer passes RADIUS).
const MaxNAI = 253

// MaxSessionTime is the longest session that can be asked for.
const MaxSessionTime = 365 * 24 * time.Hour

// Canonical gives the form under which an NAI is stored and looked up: in Normalization Form C (RFC 7542 §2.1), its realm, a
// domain name, in lower case. The user's part keeps its case: only its home domain knows what it means (§2.4), so "Ann" and
// "ann" are two users. An NAI needs a realm here, since the realm is the way home; a user's part too, since a subscriber is one.
func Canonical(nai string) (string, error) {
	if isCanonical(nai) {
		return nai, nil
	}
	return canonical(nai)
}

// canonical does it for any NAI.
func canonical(nai string) (string, error) {
	bad := func(why string) (string, error) {
		return "", fmt.Errorf("NAI %.80q: %s; user@realm is allowed, such as ann@home.example (RFC 7542)", nai, why)
	}
	if len(nai) > MaxNAI {
		return bad(fmt.Sprintf("%d octets, %d at most", len(nai), MaxNAI))
	}
	if !utf8.ValidString(nai) {
		return bad("it is not UTF-8")
	}
	user, realm, found := strings.Cut(norm.NFC.String(nai), "@")
	realm = norm.NFC.String(strings.ToLower(realm))
	switch {
	case !found:
		return bad("there is no realm")
	case !dotted(user, userChar):
		return bad("the part before @ is empty, or has a character or a dot where none may be")
	case !strings.Contains(realm, "."), !dotted(realm, realmChar):
		return bad("the realm is no domain name of two labels or more")
	case len(user)+1+len(realm) > MaxNAI:
		return bad(fmt.Sprintf("over %d octets in Normalization Form C", MaxNAI))
	}
	for label := range strings.SplitSeq(realm, ".") {
		if label[0] == '-' || label[len(label)-1] == '-' {
			return bad("a label of the realm begins or ends with a hyphen")
		}
	}
	return user + "@" + realm, nil
}

// dotted reports whether s is strings of allowed characters with dots between them (dot-string, utf8-realm).
func dotted(s string, allowed func(rune) bool) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return !allowed(r) }) {
			return false
		}
	}
	return true
}

func alnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r >= utf8.RuneSelf && !control(r)
}

// control characters beyond ASCII, and U+FFFD, have no place in a name that people read in lists.
func control(r rune) bool { return r < 0xa0 || r == utf8.RuneError || r == '\u2028' || r == '\u2029' }

func userChar(r rune) bool  { return alnum(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) }
func realmChar(r rune) bool { return alnum(r) || r == '-' }

// Check says what is wrong with a profile, with the key of the JSON form, the value, and what is allowed. A missing Key is right:
// lists do not have one.
func (p *Profile) Check() error {
	if p.NAI == "" && !p.HomeAddress.IsValid() {
		return fmt.Errorf("neither nai nor home_address: a subscriber is known by one of them")
	}
	if p.NAI != "" {
		if c, err := Canonical(p.NAI); err != nil {
			return err
		} else if c != p.NAI {
			return fmt.Errorf("nai %q is not in its canonical form %q", p.NAI, c)
		}
	}
	if n := len(p.Key); n != 0 && (n < MinKey || n > MaxKey) {
		return fmt.Errorf("key of %d octets: %d to %d are allowed", n, MinKey, MaxKey)
	}
	if len(p.HomeAgents) > MaxHomeAgents {
		return fmt.Errorf("home_agents: %d of them, %d at most are allowed", len(p.HomeAgents), MaxHomeAgents)
	}
	for _, a := range p.HomeAgents {
		if err := address("home_agents", a); err != nil {
			return err
		}
	}
	if p.HomeAddress.IsValid() {
		if err := address("home_address", p.HomeAddress); err != nil {
			return err
		}
	}
	if p.HomeAgent.IsValid() {
		if err := address("home_agent", p.HomeAgent); err != nil {
			return err
		}
	}
	return p.checkRest()
}

func (p *Profile) checkRest() error {
	if p.HomeAgent.IsValid() && len(p.HomeAgents) > 0 && !slices.Contains(p.HomeAgents, p.HomeAgent) {
		return fmt.Errorf("home_agent %v is none of home_agents %v: one of them is allowed, or an empty list", p.HomeAgent, p.HomeAgents)
	}
	if !slices.Contains(Policies, p.AddressFrom) {
		return fmt.Errorf("address_from %q: %s are allowed", p.AddressFrom, strings.Join(Policies, ", "))
	}
	if len(p.EAPIdentity) > MaxIdentity || !utf8.ValidString(p.EAPIdentity) || strings.ContainsFunc(p.EAPIdentity, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("eap_identity %.80q: at most %d octets of UTF-8 without control characters are allowed", p.EAPIdentity, MaxIdentity)
	}
	if p.MaxSessions < 0 || p.MaxSessions > MaxSessions {
		return fmt.Errorf("max_sessions %d: 0 (no limit) to %d are allowed", p.MaxSessions, MaxSessions)
	}
	if p.SessionTime < 0 || p.SessionTime > MaxSessionTime || p.SessionTime%time.Second != 0 {
		return fmt.Errorf("session time %v: whole seconds from 0 (the server's own) to %v are allowed", p.SessionTime, MaxSessionTime)
	}
	return nil
}

// address refuses what cannot be a node's address beyond its link.
func address(key string, a netip.Addr) error {
	if !a.Is6() || a.Is4In6() || a.Zone() != "" || a.IsMulticast() || a.IsUnspecified() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return fmt.Errorf("%s %v: a global IPv6 unicast address is allowed, such as 2001:db8::1", key, a)
	}
	return nil
}
