package admit

import (
	"bytes"
	"crypto/sha256"
	"net/netip"

	"roam6/engine"
	"roam6/wire/access"
)

// message is a message of which parts are missing.
type message struct {
	parts []access.Part // by number; those without a body are missing
	have  int
	kind  int
}

// digest tells messages apart that have the same source and identifier.
type digest [sha256.Size]byte

func digestOf(parts []access.Part) digest {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p.Body)
	}
	return digest(h.Sum(nil))
}

// join puts a part to the others of its message, and gives them all when none is missing. reason says why a part is dropped.
//
// spec DM-04
func (c *Client) join(now engine.Now, k sender, p access.Part, kind int) (whole []access.Part, reason string) {
	if p.Parts == 1 {
		return []access.Part{p}, ""
	}
	m := c.messages[k]
	if m == nil {
		if c.begun[k.origin] >= MaxPerSource || !c.makeRoom(kind) {
			return nil, "access-parts-full"
		}
		m = &message{parts: make([]access.Part, p.Parts), kind: kind}
		c.messages[k] = m
		c.joining[kind]++
		c.begun[k.origin]++
		c.parts[kind].Set(k, now.Mono.Add(PartsFor))
	}
	switch old := m.parts[min(int(p.Part), len(m.parts)-1)]; {
	case int(p.Parts) != len(m.parts), old.Body != nil && !bytes.Equal(old.Body, p.Body):
		return nil, "access-parts-differ"
	case old.Body != nil:
		return nil, "" // it came twice
	}
	m.parts[p.Part] = p
	if m.have++; m.have < len(m.parts) {
		return nil, ""
	}
	c.unjoin(k)
	return m.parts, ""
}

// makeRoom makes room for one more message of a kind, if there is none by giving up the oldest of that kind: the parts of a true message come
// together.
func (c *Client) makeRoom(kind int) bool {
	if room(c.joining, kind, MaxMessages) {
		return true
	}
	if c.parts[kind].Len() == 0 {
		return false
	}
	_, oldest := c.parts[kind].Next()
	c.unjoin(oldest)
	return true
}

// unjoin forgets a message.
func (c *Client) unjoin(k sender) {
	m := c.messages[k]
	delete(c.messages, k)
	c.parts[m.kind].Stop(k)
	c.joining[m.kind]--
	if c.begun[k.origin]--; c.begun[k.origin] == 0 {
		delete(c.begun, k.origin)
	}
}

// room says whether one more of a kind has room among so many. The share of strangers is bounded; the others may take all.
func room(used [2]int, kind, most int) bool {
	if kind == stranger && used[stranger] >= most*StrangersShare/100 {
		return false
	}
	return used[stranger]+used[known] < most
}

func (c *Client) loadOf(a netip.Addr) *load {
	l := c.sources[a]
	if l == nil {
		l = &load{}
		c.sources[a] = l
	}
	return l
}

// unload forgets a source that has nothing under way.
func (c *Client) unload(a netip.Addr) {
	if l := c.sources[a]; l != nil && len(l.waiting) == 0 {
		delete(c.sources, a)
	}
}
