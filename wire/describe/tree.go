package describe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"roam6/wire"
)

// Limits of a tree.
const (
	MaxDepth   = 8    // packets inside packets (tunnels, ICMPv6 errors) that are taken apart
	MaxOptions = 64   // options of one header that are shown
	MaxHex     = 32   // octets of data shown in hex
	maxColumn  = 48   // widest column of names
	faultMark  = "!!" // stands before a fault in text, to be searched for
)

// Tree is a header or a field of a packet and what it consists of.
type Tree struct {
	Name   string `json:"name"`            // as the document prints it: "Binding Update", "Sequence #"
	Value  string `json:"value,omitempty"` // with its unit and meaning: "100 (6m40s)"
	Ref    string `json:"ref,omitempty"`   // "RFC 6275 §6.1.7"
	Offset int    `json:"offset"`          // octets from the start of the described bytes
	Len    int    `json:"len"`             // octets
	Layer  string `json:"layer,omitempty"` // at the head of a protocol, one of Layers
	Brief  string `json:"brief,omitempty"` // the layer in a few words, for Summary
	Fault  string `json:"fault,omitempty"` // what is wrong here
	Kids   []Tree `json:"kids,omitempty"`
}

// Layers are the values of Tree.Layer. Neighbour discovery is ICMPv6 as well: what has "nd" has "icmp6".
func Layers() []string {
	return []string{"ether", "ip6", "ip4", "mh", "nd", "icmp6", "esp", "ah", "udp", "tcp", "diameter", "eap", "krb5", "lwkrb", "fragment", "data"}
}

// icmpLayers are the layers that are ICMPv6 messages by another name.
var icmpLayers = []string{"nd"}

// Has reports whether a layer stands anywhere in the tree.
func (t *Tree) Has(layer string) bool {
	if t.Layer == layer || layer == "icmp6" && slices.Contains(icmpLayers, t.Layer) {
		return true
	}
	for i := range t.Kids {
		if t.Kids[i].Has(layer) {
			return true
		}
	}
	return false
}

// Faults counts the faults in the tree.
func (t *Tree) Faults() int {
	n := 0
	if t.Fault != "" {
		n = 1
	}
	for i := range t.Kids {
		n += t.Kids[i].Faults()
	}
	return n
}

// Summary is the packet in one line: the layers from the outermost on, and the first fault.
func (t *Tree) Summary() string {
	var parts []string
	t.walk(func(x *Tree) {
		if x.Layer != "" && x.Brief != "" {
			parts = append(parts, x.Brief)
		}
	})
	s := strings.Join(parts, " | ")
	if f := t.firstFault(); f != "" {
		s += "  " + faultMark + " " + f
	}
	return s
}

func (t *Tree) firstFault() (fault string) {
	t.walk(func(x *Tree) {
		if fault == "" && x.Fault != "" {
			fault = x.Name + ": " + x.Fault
		}
	})
	return fault
}

func (t *Tree) walk(f func(*Tree)) {
	f(t)
	for i := range t.Kids {
		t.Kids[i].walk(f)
	}
}

// Text is the tree as lines: the offset in octets, the name indented by depth, the value in one column, the document in
// brackets, a fault behind "!!".
func (t *Tree) Text() string {
	var sb strings.Builder
	t.write(&sb, 0, t.column(0))
	return sb.String()
}

// column is the widest indented name of a field in the tree.
func (t *Tree) column(depth int) int {
	w := 2*depth + utf8.RuneCountInString(t.Name)
	for i := range t.Kids {
		w = max(w, t.Kids[i].column(depth+1))
	}
	return min(w, maxColumn)
}

func (t *Tree) write(sb *strings.Builder, depth, column int) {
	line := fmt.Sprintf("%5d  %-*s", t.Offset, column, strings.Repeat("  ", depth)+t.Name)
	if t.Value != "" {
		line += "  " + t.Value
	}
	if t.Ref != "" {
		line += "  [" + t.Ref + "]"
	}
	if t.Fault != "" {
		line += "  " + faultMark + " " + t.Fault
	}
	sb.WriteString(strings.TrimRight(line, " "))
	sb.WriteByte('\n')
	for i := range t.Kids {
		t.Kids[i].write(sb, depth+1, column)
	}
}

// blame puts the error of a codec on the deepest node that holds the octet it names. base is the offset of the bytes the
// codec was given.
func (t *Tree) blame(err error, base int) {
	var at *wire.Error
	if err == nil {
		return
	}
	if !errors.As(err, &at) {
		t.fail(err.Error())
		return
	}
	x := t.find(base + at.Offset)
	if x.Name == at.Field {
		x.fail(at.Err.Error())
		return
	}
	x.fail(fmt.Sprintf("%s at octet %d: %v", at.Field, base+at.Offset, at.Err))
}

func (t *Tree) fail(why string) {
	if t.Fault != "" {
		return // the first reason is the one that counts
	}
	t.Fault = why
}

// find gives the deepest node that holds an octet, the tree itself if none does.
func (t *Tree) find(offset int) *Tree {
	for i := range t.Kids {
		if k := &t.Kids[i]; offset >= k.Offset && offset < k.Offset+k.Len {
			return k.find(offset)
		}
	}
	return t
}
