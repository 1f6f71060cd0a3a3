package sa

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"roam6/engine"
	"roam6/keying"
	"roam6/keying/replay"
)

// Bucket holds the durable records of all associations of an engine.
const Bucket = "sa"

// recordKey names a record by direction, SPI and a fingerprint of the key, "out/0x00001001/1f2e3d4c5b6a7988". The
// fingerprint is derived one way and tells nothing of the key.
func recordKey(dir string, spi uint32, key []byte) string {
	root, err := keying.Extract(key)
	if err != nil {
		panic("sa: " + err.Error()) // keys were checked: none is shorter than keying.MinSecret
	}
	defer clear(root[:])
	var numbers [4 + 8]byte // written without fmt: each registration makes two associations
	binary.BigEndian.PutUint32(numbers[:], spi)
	keying.Expand(numbers[4:], &root, "sa record name", dir, "")
	var room [32]byte
	name := append(append(room[:0], dir...), "/0x"...)
	name = append(hex.AppendEncode(name, numbers[:4]), '/')
	return string(hex.AppendEncode(name, numbers[4:]))
}

// record is a number and, for people who look into the store, the name of the peer.
func record(n uint64, peer string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(peer)), n), peer...)
}

// number reads what record wrote.
func number(value []byte) (n uint64, ok bool) {
	if len(value) < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(value), true
}

// Restore takes back a durable record at the start of the engine. Records that are not this association's are
// ignored, so that all may be offered; RestoreAll does that for many associations. A damaged record panics: what it
// guarded can no longer be kept, and the user has to install new keys.
//
// spec MIP-02
func (s *SA) Restore(rec engine.Record) {
	if rec.Bucket != Bucket || (rec.Key != s.outRecord && rec.Key != s.inRecord) {
		return
	}
	n, ok := number(rec.Value)
	if !ok {
		panic(fmt.Sprintf("sa: record %q of peer %s is damaged; give both ends new keys and delete the record", rec.Key, s.peer))
	}
	switch {
	case s.kind == Auth:
		s.auth.accepted = n
	case rec.Key == s.outRecord:
		s.esp.sent, s.esp.reserved = n, n
	default:
		s.esp.window = replay.Restored(n)
	}
}

// Forget appends the removal of the association's durable records. Its keys must never be used again, not even by a later life.
func (s *SA) Forget(out *engine.Effects) {
	for _, key := range s.Records() {
		out.Persist(Bucket, key, nil)
	}
}

// Records are the keys of the association's durable records, which tell nothing of its keys.
func (s *SA) Records() []string {
	if s.outRecord == "" {
		return []string{s.inRecord}
	}
	return []string{s.outRecord, s.inRecord}
}

// RestoreAll offers the records of an engine's start to many associations, in time proportional to the records.
func RestoreAll(recs []engine.Record, sas []*SA) {
	owner := make(map[string]*SA, 2*len(sas))
	for _, s := range sas {
		owner[s.inRecord] = s
		if s.outRecord != "" {
			owner[s.outRecord] = s
		}
	}
	for _, rec := range recs {
		if s := owner[rec.Key]; s != nil {
			s.Restore(rec)
		}
	}
}

// Distinct refuses a set of associations in which two ESP ones send with the same key, whatever their SPIs: each would
// count from 1, and AES-GCM breaks when a number repeats. Roles with many peers call it before the first packet.
func Distinct(sas []*SA) error {
	peers := make(map[string]string, len(sas))
	for _, s := range sas {
		if s.kind != ESP {
			continue
		}
		key := s.outRecord[strings.LastIndexByte(s.outRecord, '/'):] // its fingerprint: the nonce does not know the SPI
		if other, ok := peers[key]; ok {
			return fmt.Errorf("sa: peers %s and %s share an outbound key; every peer needs keys of its own", other, s.peer)
		}
		peers[key] = s.peer
	}
	return nil
}
