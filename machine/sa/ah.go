package sa

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"roam6/engine"
	"roam6/keying/ah"
	"roam6/keying/replay"
	"roam6/wire/ip6"
)

// Reasons why AH.Open refuses a packet, besides Unprotected and Fragmented. Fixed words: drops are counted by them.
const (
	AHMalformed  = "ah-malformed"
	AHUnknownSPI = "ah-unknown-spi" // another association's, or nobody's
	AHReplay     = "ah-replay"      // seen before, or left of the window
	AHAuth       = "ah-auth"        // integrity check failed
)

// AHKeyLen is the length of a key in octets.
const AHKeyLen = ah.KeyLen

// AHConfig is a pair of Authentication Header associations, one a direction: HMAC-SHA-256-128, 64-bit sequence numbers. The peer has the
// same with Out and In exchanged.
type AHConfig struct {
	OutSPI, InSPI uint32
	OutKey, InKey []byte // AHKeyLen octets
}

// Format prints the SPIs and no key, for every verb.
func (c AHConfig) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{OutSPI:%#x InSPI:%#x OutKey:[key] InKey:[key]}", c.OutSPI, c.InSPI)
}

// MarshalJSON writes the SPIs and no key.
func (c AHConfig) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"OutSPI":%d,"InSPI":%d}`, c.OutSPI, c.InSPI), nil
}

// AH is one end of a pair of associations that protect whole packets with an Authentication Header (RFC 4302, transport mode): what two
// access routers say to each other, and a mobile node and its access router. Make it with NewAH or NewSessionAH.
type AH struct {
	peer           string
	out            ah.Outbound
	in             ah.Inbound
	sent, reserved uint64
	window         replay.Window

	outRecord, inRecord string // "": the keys are of this life alone
	usedOut, usedIn     bool
	dirty               bool
}

// NewAH makes associations whose keys outlive the engine, being configured: numbers are reserved and committed as those of an SA are.
//
// spec FH-05 FH-18
func NewAH(c AHConfig, peer string) (*AH, error) {
	a, err := NewSessionAH(c, peer)
	if err != nil {
		return nil, err
	}
	a.outRecord, a.inRecord = recordKey("ah-out", c.OutSPI, c.OutKey), recordKey("ah-in", c.InSPI, c.InKey)
	return a, nil
}

// NewSessionAH makes associations whose keys nobody keeps: both ends count from 1, and write nothing down.
func NewSessionAH(c AHConfig, peer string) (*AH, error) {
	for _, spi := range []uint32{c.OutSPI, c.InSPI} {
		if spi < MinSPI {
			return nil, fmt.Errorf("sa: SPI %d is reserved; use %d to 4294967295", spi, MinSPI)
		}
	}
	if bytes.Equal(c.OutKey, c.InKey) {
		return nil, errors.New("sa: both directions have the same AH key: a packet could be sent back to its sender; make one key for each")
	}
	out, err := ah.NewKey(ah.HMACSHA256128, c.OutKey)
	if err != nil {
		return nil, fmt.Errorf("sa: outbound key: %w", err)
	}
	in, err := ah.NewKey(ah.HMACSHA256128, c.InKey)
	if err != nil {
		return nil, fmt.Errorf("sa: inbound key: %w", err)
	}
	return &AH{peer: peer, out: ah.Outbound{SPI: c.OutSPI, Key: out, Extended: true}, in: ah.Inbound{SPI: c.InSPI, Key: in, Extended: true}}, nil
}

// String names the associations by their peer.
func (a *AH) String() string { return "ah(" + a.peer + ")" }

// Format prints what String gives, for every verb.
func (a *AH) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// InSPI is the SPI of packets for this end.
func (a *AH) InSPI() uint32 { return a.in.SPI }

// Seal gives a whole packet with an Authentication Header put in. A Persist is appended to out when numbers must be reserved, so the
// packet's Send must be appended after. It panics for what is no packet of ours.
//
// spec FH-05
func (a *AH) Seal(packet []byte, out *engine.Effects) []byte {
	if a.sent == a.reserved {
		a.reserved += ReserveBlock
		if a.outRecord != "" {
			out.Persist(Bucket, a.outRecord, record(a.reserved, a.peer))
		}
	}
	a.told(&a.usedOut, "out", a.out.SPI, out)
	a.sent++
	sealed, err := a.out.Seal(packet, a.sent)
	if err != nil {
		panic("sa: " + err.Error()) // we made the packet, and 2^64 are not sent
	}
	return sealed
}

// FindAH gives the SPI of a packet's Authentication Header, a claim until Open.
func FindAH(packet []byte) (spi uint32, ok bool) { return ah.Find(packet) }

// Open checks a whole packet and gives what it is without the header, parsed; reason is one of the constants above. What was opened once
// is refused from then on; Commit makes that durable.
//
// spec FH-05 FH-06 FH-18
func (a *AH) Open(packet []byte) (p ip6.Packet, reason string) {
	plain, err := a.in.Open(packet, &a.window)
	if err != nil {
		return p, ahReason(err)
	}
	a.dirty = true
	if p, err = ip6.Parse(plain); err != nil {
		return p, AHMalformed
	}
	return p, ""
}

func ahReason(err error) string {
	switch {
	case errors.Is(err, ah.ErrUnprotected):
		return Unprotected
	case errors.Is(err, ah.ErrFragment):
		return Fragmented
	case errors.Is(err, ah.ErrSPI):
		return AHUnknownSPI
	case errors.Is(err, ah.ErrReplay):
		return AHReplay
	case errors.Is(err, ah.ErrAuth):
		return AHAuth
	}
	return AHMalformed
}

// Commit makes what was opened durable: append it before the effects that show it to anybody.
//
// spec FH-18
func (a *AH) Commit(out *engine.Effects) {
	if !a.dirty {
		return
	}
	a.dirty = false
	a.told(&a.usedIn, "in", a.in.SPI, out)
	if a.inRecord != "" {
		out.Persist(Bucket, a.inRecord, record(a.window.Top(), a.peer))
	}
}

// RestoreAH offers the records of an engine's start to many associations. A damaged one panics, as RestoreAll does.
//
// spec FH-18
func RestoreAH(recs []engine.Record, list []*AH) {
	for _, rec := range recs {
		for _, a := range list {
			if rec.Bucket != Bucket || rec.Key == "" || rec.Key != a.outRecord && rec.Key != a.inRecord {
				continue
			}
			n, ok := number(rec.Value)
			switch {
			case !ok:
				panic(fmt.Sprintf("sa: record %q of peer %s is damaged; give both ends new keys and delete the record", rec.Key, a.peer))
			case rec.Key == a.outRecord:
				a.sent, a.reserved = n, n
			default:
				a.window = replay.Restored(n)
			}
		}
	}
}

func (a *AH) told(done *bool, dir string, spi uint32, out *engine.Effects) {
	if *done {
		return
	}
	*done = true
	out.Event(engine.EventKeyUse, engine.S("peer", a.peer), engine.S("kind", "ah"), engine.S("dir", dir), engine.S("spi", fmt.Sprintf("0x%08x", spi)))
}
