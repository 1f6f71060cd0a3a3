package sim

import (
	"encoding/binary"
	"math/rand/v2"

	"roam6/engine"
)

// TLS 1.3 between simulated nodes is what a bystander sees of it, and no cryptography: records of the sizes and in the order of RFC 8446, one time
// there and back before the dialler's first octet. The hellos are what they are elsewhere; what is sealed there is masked here by a
// stream of octets that follows from both hellos, so that nothing can be read on the wire (package check looks for keys there).

// Numbers of RFC 8446: §5.1 and §5.2 records, §4 handshake messages, §4.2 extensions.
const (
	recordHead                             = 5
	recordAlert, recordShake, recordSealed = 21, 22, 23
	recordData                             = 23      // the same number, inside
	maxRecord                              = 1 << 14 // octets of one
	maxSealed                              = maxRecord + 256
	recordTag                              = 16
	clientHello, serverHello               = 1, 2
	extServerName, extVersions             = 0, 43
	version12, version13                   = 0x0303, 0x0304
	cipherAES128                           = 0x1301
	randomLen                              = 32
	randomAt                               = recordHead + 4 + 2 // behind the heads of record and message, and the version
	serverProof, clientProof               = 1200, 900          // octets of certificate, its proof and the rest, about
)

// secure is the TLS of one end.
type secure struct {
	client   bool
	begun    bool // TCP is connected
	server   string
	identity string

	random [randomLen]byte
	keyed  bool
	proved bool // the peer has
	closed bool // it said good-bye
	mine   rand.PCG
	theirs rand.PCG
	in     []byte // a record that is not complete
}

// hello begins the handshake, or answers it.
func (s *socket) hello() {
	t := s.secure
	for i := 0; i < randomLen; i += 8 {
		binary.BigEndian.PutUint64(t.random[i:], s.k.draw.Uint64())
	}
	be := binary.BigEndian
	body := append(be.AppendUint16(nil, version12), t.random[:]...)
	body = append(body, 0) // no session
	var ext []byte
	if t.client {
		body = append(be.AppendUint16(append(body, 0, 2), cipherAES128), 1, 0)
		n := len(t.server)
		for _, v := range []int{extServerName, n + 5, n + 3} {
			ext = be.AppendUint16(ext, uint16(v))
		}
		ext = append(be.AppendUint16(append(ext, 0), uint16(n)), t.server...)
		ext = append(ext, 0, extVersions, 0, 3, 2, version13>>8, version13&0xff)
	} else {
		body = append(be.AppendUint16(body, cipherAES128), 0)
		ext = []byte{0, extVersions, 0, 2, version13 >> 8, version13 & 0xff}
	}
	body = append(be.AppendUint16(body, uint16(len(ext))), ext...)
	kind := byte(serverHello)
	if t.client {
		kind = clientHello
	}
	out := be.AppendUint16([]byte{recordShake, 3, 3}, uint16(len(body)+4))
	out = append(out, kind, 0, byte(len(body)>>8), byte(len(body)))
	s.tcp.Write(append(out, body...))
}

// agree makes the streams that mask both directions, when both hellos are known.
func (t *secure) agree(theirs []byte) {
	from := func(a, b []byte) rand.PCG {
		return *rand.NewPCG(binary.BigEndian.Uint64(a)^binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(a[16:]))
	}
	t.mine, t.theirs, t.keyed = from(t.random[:], theirs), from(theirs, t.random[:]), true
}

// disguise masks octets, or uncovers them.
func disguise(r *rand.PCG, b []byte) {
	var word [8]byte
	for i := range b {
		if i%8 == 0 {
			binary.BigEndian.PutUint64(word[:], r.Uint64())
		}
		b[i] ^= word[i%8]
	}
}

// sealed writes a record.
func (s *socket) sealed(kind byte, data []byte) {
	n := len(data) + 1 + recordTag
	out := make([]byte, recordHead, recordHead+n)
	out[0], out[1], out[2] = recordSealed, 3, 3
	binary.BigEndian.PutUint16(out[3:], uint16(n))
	out = append(append(out, data...), kind)
	out = append(out, make([]byte, recordTag)...)
	disguise(&s.secure.mine, out[recordHead:])
	s.tcp.Write(out)
}

// seal hands what was written in this turn to TCP.
func (s *socket) seal() {
	b := s.pending
	if s.secure == nil {
		s.tcp.Write(b)
	} else {
		for len(b) > 0 {
			n := min(len(b), maxRecord)
			s.sealed(recordData, b[:n])
			b = b[n:]
		}
	}
	s.pending = s.pending[:0]
}

// farewell says that nothing follows (RFC 8446 §6.1).
func (s *socket) farewell() {
	if s.secure != nil {
		s.sealed(recordAlert, []byte{1, 0}) // close_notify
	}
}

// prove shows who we are.
func (s *socket) prove(size int) {
	b := make([]byte, size)
	b[0] = byte(min(len(s.secure.identity), 255))
	copy(b[1:], s.secure.identity)
	s.sealed(recordShake, b)
}

// unseal takes octets of the peer, and from them records.
func (s *socket) unseal(b []byte) {
	t := s.secure
	t.in = append(t.in, b...)
	var text []byte
	for len(t.in) >= recordHead && !s.gone && !t.closed {
		n := int(binary.BigEndian.Uint16(t.in[3:]))
		if n > maxSealed || t.in[1] != 3 {
			s.wrong()
			return
		}
		if len(t.in) < recordHead+n {
			break
		}
		text = append(text, s.record(t.in[:recordHead+n])...)
		t.in = t.in[recordHead+n:]
	}
	s.deliver(text)
	if t.closed {
		s.peerEnds()
	}
}

// wrong ends a connection on which something else than TLS is spoken.
func (s *socket) wrong() {
	if !s.made {
		s.fail(engine.ReasonTLS)
		return
	}
	s.tcp.Abort()
	if !s.gone {
		s.end(engine.ReasonTLS)
	}
}

// record takes one record, and gives the octets in it that are for the engine.
func (s *socket) record(b []byte) []byte {
	t := s.secure
	if !t.keyed {
		want := byte(clientHello)
		if t.client {
			want = serverHello
		}
		if b[0] != recordShake || len(b) < randomAt+randomLen || b[recordHead] != want {
			s.wrong()
			return nil
		}
		if !t.client {
			s.hello()
		}
		t.agree(b[randomAt : randomAt+randomLen])
		if !t.client {
			s.prove(serverProof)
		}
		return nil
	}
	if b[0] != recordSealed || len(b) < recordHead+1+recordTag {
		s.wrong()
		return nil
	}
	body := b[recordHead:]
	disguise(&t.theirs, body)
	data, kind := body[:len(body)-1-recordTag], body[len(body)-1-recordTag]
	switch {
	case kind == recordShake && !t.proved:
		s.identified(data)
	case kind == recordData && t.proved:
		return data
	case kind == recordAlert && t.proved:
		t.closed = true
	default:
		s.wrong()
	}
	return nil
}

// identified takes what the peer shows of itself.
func (s *socket) identified(proof []byte) {
	t := s.secure
	if len(proof) < 1 || int(proof[0]) >= len(proof) {
		s.wrong()
		return
	}
	name := string(proof[1 : 1+proof[0]])
	t.proved = true
	if t.client && name != t.server {
		s.fail(engine.ReasonTLSName)
		return
	}
	if t.client {
		s.prove(clientProof)
	}
	var names []string
	if name != "" {
		names = []string{name}
	}
	s.ready(names)
}
