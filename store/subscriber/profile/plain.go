package profile

import (
	"encoding/base64"
	"net/netip"
)

// plain reads the form as Encode writes it: keys in its order, nothing between them, ASCII without escapes. It says no to all else, which
// may be right JSON nevertheless. Each registration waits for it, and encoding/json takes many times as long.
func plain(b []byte) (w wire, ok bool) {
	r := plainReader{b: b, before: '{', ok: true}
	if r.key("nai") {
		w.NAI = string(r.text())
	}
	if r.key("home_address") {
		w.HomeAddress = r.addr()
	}
	if r.key("key") {
		w.Key = r.octets()
	}
	if r.key("home_agents") {
		w.HomeAgents = r.addrs()
	}
	if r.key("home_agent") {
		w.HomeAgent = r.addr()
	}
	r.must("address_from")
	w.AddressFrom = r.policy()
	r.must("visited_home_agent")
	w.VisitedHomeAgent = r.bool()
	if r.key("eap_identity") {
		w.EAPIdentity = string(r.text())
	}
	r.must("max_sessions")
	sessions := r.number()
	r.ok = r.ok && sessions <= MaxSessions // which every int holds
	w.MaxSessions = int(sessions)
	r.must("session_s")
	w.SessionSeconds = r.number()
	r.must("enabled")
	w.Enabled = r.bool()
	r.must("revision")
	w.Revision = uint64(r.number())
	return w, r.ok && string(r.b) == "}"
}

// plainReader goes through the octets. Once something is not as it should be ok is false, and stays so.
type plainReader struct {
	b      []byte
	before byte // the next key
	ok     bool
}

// key takes a key, if it is the next.
func (r *plainReader) key(name string) bool {
	n := len(name)
	if len(r.b) < n+4 || r.b[0] != r.before || r.b[1] != '"' || string(r.b[2:2+n]) != name || r.b[2+n] != '"' || r.b[3+n] != ':' {
		return false
	}
	r.b, r.before = r.b[n+4:], ','
	return true
}

func (r *plainReader) must(name string) { r.ok = r.key(name) && r.ok }

// take takes a prefix, if it is there.
func (r *plainReader) take(prefix string) bool {
	if len(r.b) < len(prefix) || string(r.b[:len(prefix)]) != prefix {
		return false
	}
	r.b = r.b[len(prefix):]
	return true
}

// text takes a string.
func (r *plainReader) text() []byte {
	if !r.take(`"`) {
		r.ok = false
		return nil
	}
	for i, c := range r.b {
		if c == '"' {
			text := r.b[:i]
			r.b = r.b[i+1:]
			return text
		}
		if c < ' ' || c > '~' || c == '\\' {
			break
		}
	}
	r.ok = false
	return nil
}

func (r *plainReader) octets() []byte {
	text := r.text()
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text)
	r.ok = r.ok && err == nil
	return b[:n]
}

func (r *plainReader) addr() netip.Addr {
	a, err := netip.ParseAddr(string(r.text()))
	r.ok = r.ok && err == nil
	return a
}

func (r *plainReader) addrs() (list []netip.Addr) {
	r.ok = r.take("[") && r.ok
	for r.ok {
		list = append(list, r.addr())
		if r.take("]") {
			return list
		}
		r.ok = r.take(",") && r.ok
	}
	return nil
}

// policy takes a string that is one of Policies, which needs no memory of its own.
func (r *plainReader) policy() string {
	text := r.text()
	for _, p := range Policies {
		if string(text) == p {
			return p
		}
	}
	r.ok = false
	return ""
}

func (r *plainReader) bool() bool {
	if r.take("true") {
		return true
	}
	r.ok = r.take("false") && r.ok
	return false
}

// number takes one that is not negative and has no more digits than an int64 always holds.
func (r *plainReader) number() (n int64) {
	const most = 18
	i := 0
	for i < len(r.b) && i <= most && r.b[i] >= '0' && r.b[i] <= '9' {
		n = 10*n + int64(r.b[i]-'0')
		i++
	}
	r.ok = r.ok && i > 0 && i <= most && (r.b[0] != '0' || i == 1)
	r.b = r.b[i:]
	return n
}
