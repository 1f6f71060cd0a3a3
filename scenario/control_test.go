package scenario

import "testing"

// What of the air counts as signalling.
func TestIsControl(t *testing.T) {
	packet := func(next byte, rest ...byte) []byte {
		b := make([]byte, 40, 40+len(rest))
		b[0], b[6] = 0x60, next
		return append(b, rest...)
	}
	alert := []byte{58, 0, 5, 2, 0, 0, 1, 0} // hop-by-hop options with a router alert
	behind := func(icmp byte) []byte { return packet(0, append(alert[:8:8], icmp, 0, 0, 0)...) }
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"neighbour solicitation", packet(58, 135, 0, 0, 0), true},
		{"echo request", packet(58, 128, 0, 0, 0), false},
		{"echo reply", packet(58, 129, 0, 0, 0), false},
		{"listener query", behind(130), false},
		{"listener report of version 1", behind(131), false},
		{"listener done", behind(132), false},
		{"listener report of version 2", behind(143), false},
		{"home agent discovery", packet(58, 144, 0, 0, 0), true},
		{"anything else behind a router alert", behind(133), true},
		{"mobility header", packet(135, 59, 0, 5, 0), true},
		{"ESP", packet(50, 0, 0, 0, 1), true},
		{"UDP", packet(17, 0, 0), false},
		{"UDP in a tunnel", packet(41, packet(17, 0, 0)...), false},
		{"nothing", packet(59), false},
		{"cut", make([]byte, 39), false},
	} {
		if got := isControl(c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
