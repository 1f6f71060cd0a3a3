package icmp6

import (
	"bytes"
	"encoding/binary"
)

// Echo is an echo request or its reply, RFC 4443 §4.1 and §4.2.
//
//	 0                   1                   2                   3
//	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Type      |     Code      |          Checksum             |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|           Identifier          |        Sequence Number        |
//	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//	|     Data ...
//	+-+-+-+-+-
type Echo struct {
	Reply   bool
	ID, Seq uint16
	Data    []byte
}

func parseEcho(b []byte) (Message, error) {
	m := &Echo{Reply: b[0] == TypeEchoReply, ID: identifier(b), Seq: binary.BigEndian.Uint16(b[6:])}
	if len(b) > headerLen {
		m.Data = bytes.Clone(b[headerLen:])
	}
	return m, nil
}

func (m *Echo) kind() (uint8, uint8) {
	if m.Reply {
		return TypeEchoReply, 0
	}
	return TypeEchoRequest, 0
}

func (m *Echo) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, m.ID)
	b = binary.BigEndian.AppendUint16(b, m.Seq)
	return append(b, m.Data...)
}
