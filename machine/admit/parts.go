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
func (c *Client) join(now engine.Now, k key, p access.Part, kind int) (whole []access.Part, reason string) {
	if p.Parts == 1 {
		return []access.Part{p}, ""
	}
	m := c.messages[k]
	if m == nil {
		l := c.loadOf(k.src)
		if l.messages >= MaxPerSource || !room(c.joining, kind, MaxMessages) {
			c.unload(k.src)
			return nil, "access-parts-full"
		}
		m = &message{parts: make([]access.Part, p.Parts), kind: kind}
		c.messages[k] = m
		c.joining[kind]++
		l.messages++
		c.parts.Set(k, now.Mono.Add(PartsFor))
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

// unjoin forgets a message.
func (c *Client) unjoin(k key) {
	m := c.messages[k]
	delete(c.messages, k)
	c.parts.Stop(k)
	c.joining[m.kind]--
	c.sources[k.src].messages--
	c.unload(k.src)
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
	if l := c.sources[a]; l != nil && l.messages == 0 && len(l.waiting) == 0 {
		delete(c.sources, a)
	}
}
