package sa

import (
	"roam6/engine"
	"roam6/keying/esp"
	"roam6/keying/replay"
	wireesp "roam6/wire/esp"
)

// ReserveBlock is how many sequence numbers one durable write reserves. A restart skips at most this many; a mobile
// node that registers every few seconds writes once an hour.
const ReserveBlock = 1024

type espState struct {
	outKey, inKey esp.Key
	sent          uint64 // last sequence number used
	reserved      uint64 // last sequence number that a durable record covers
	window        replay.Window
}

// seal takes the next sequence number, reserving a block first if there is none left.
func (e *espState) seal(s *SA, proto uint8, payload []byte, out *engine.Effects) []byte {
	if e.sent == e.reserved {
		e.reserved += ReserveBlock
		out.Persist(Bucket, s.outRecord, record(e.reserved, s.peer))
	}
	e.sent++
	return esp.Seal(nil, e.outKey, s.outSPI, e.sent, proto, payload)
}

func (e *espState) open(spi uint32, b []byte) (proto uint8, payload []byte, reason string) {
	got, low, err := wireesp.Peek(b)
	switch {
	case err != nil:
		return 0, nil, ESPMalformed
	case got != spi:
		return 0, nil, ESPUnknownSPI
	}
	seq := e.window.Infer(low)
	if e.window.Seen(seq) {
		return 0, nil, ESPReplay
	}
	proto, payload, err = esp.Open(b, e.inKey, seq)
	if err != nil {
		return 0, nil, e.blame(b, seq)
	}
	e.window.Mark(seq)
	return proto, payload, ""
}

// blame tells a forged packet from one that is merely too old. A number left of the window is inferred to be one of the
// next run of 2^32, which its integrity check contradicts; in its own run the packet is authentic, and a replay.
func (e *espState) blame(b []byte, inferred uint64) string {
	if inferred > e.window.Top() && inferred >= 1<<32 {
		if _, _, err := esp.Open(b, e.inKey, inferred-1<<32); err == nil {
			return ESPReplay
		}
	}
	return ESPAuth
}
