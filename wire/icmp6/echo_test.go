package icmp6

import "testing"

var goldenEcho = golden{
	src: coa, dst: ha,
	text: `
		80             # Type 128
		00             # Code
		ff 1f          # Checksum
		12 34          # Identifier
		00 07          # Sequence Number
		72 6f 61 6d 36 # Data: "roam6"
	`,
	msg:   &Echo{ID: 0x1234, Seq: 7, Data: []byte("roam6")},
	whole: func(int) bool { return true },
}

func TestEcho(t *testing.T) { goldenEcho.check(t) }

func TestEchoReply(t *testing.T) {
	b := Append(nil, ha, coa, &Echo{Reply: true, ID: 1, Seq: 2})
	m, err := Parse(ha, coa, b)
	if e, ok := m.(*Echo); err != nil || !ok || !e.Reply || b[0] != 129 || e.ID != 1 || e.Seq != 2 || e.Data != nil {
		t.Errorf("type %d: %+v, %v", b[0], m, err)
	}
}
