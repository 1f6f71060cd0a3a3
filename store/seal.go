package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The journal: a header, then frames. A frame is the Puts of one write; it is valid as a whole or not at all.
//
//	header   "roam6st1" | generation (16 random octets)
//	frame    length (4, of what follows the checksum) | CRC-32C (4, over length and what follows) | nonce (12) | sealed
//	sealed   AES-256-GCM under a key derived from key file and generation, with header and frame number as
//	         additional data, so that no frame can be moved, repeated or left out in the middle
//	clear    operations: op (1: put, 2: delete) | bucket length (2) | key length (2) | value length (4) | bucket | key | value
const (
	magic         = "roam6st1"
	generationLen = 16
	headerLen     = len(magic) + generationLen
	frameHead     = 8
	nonceLen      = 12
	tagLen        = 16
	opHead        = 9
	minFrame      = nonceLen + opHead + tagLen
	maxFrame      = nonceLen + maxBatch + opHead + 2*MaxName + MaxValue + tagLen
)

// maxBatch is how many octets of operations wait for one write; a Put that finds more waits for that write first.
const maxBatch = 4 << 20

const (
	opPut    = 1
	opDelete = 2
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errTorn    = errors.New("torn frame")
	errSeal    = errors.New("the frame's seal does not open: it was altered, or the key file is another's")
	errClear   = errors.New("the frame opens but holds no operations this version knows")
)

// sealer seals and opens the frames of one generation.
type sealer struct {
	aead   cipher.AEAD
	header []byte
}

func newSealer(master, header []byte) (*sealer, error) {
	aead, err := NewSeal(master, "roam6 store v1"+string(header))
	return &sealer{aead, header}, err
}

// NewSeal gives AES-256-GCM under a key derived from that of a key file for one purpose. Purposes share no key.
func NewSeal(master []byte, purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, master, nil, purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// newHeader draws a generation.
func newHeader() []byte {
	h := append(make([]byte, 0, headerLen), magic...)
	h = h[:headerLen]
	rand.Read(h[len(magic):]) // never fails since Go 1.24
	return h
}

func (s *sealer) aad(number uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(nil), s.header...), number)
}

// frame builds frame number of the generation.
func (s *sealer) frame(number uint64, clear []byte) []byte {
	b := make([]byte, frameHead+nonceLen, frameHead+nonceLen+len(clear)+tagLen)
	nonce := b[frameHead:]
	rand.Read(nonce)
	b = s.aead.Seal(b, nonce, clear, s.aad(number))
	binary.BigEndian.PutUint32(b, uint32(len(b)-frameHead))
	binary.BigEndian.PutUint32(b[4:], sum(b))
	return b
}

// open takes the frame at the beginning of b apart. errTorn means that there is no whole frame.
func (s *sealer) open(number uint64, b []byte) (clear []byte, size int, err error) {
	size, ok := whole(b)
	if !ok {
		return nil, 0, errTorn
	}
	body := b[frameHead:size]
	clear, err = s.aead.Open(nil, body[:nonceLen], body[nonceLen:], s.aad(number))
	if err != nil {
		return nil, 0, errSeal
	}
	return clear, size, nil
}

// whole reports whether b begins with a frame whose checksum holds, and its size.
func whole(b []byte) (size int, ok bool) {
	if len(b) < frameHead+minFrame {
		return 0, false
	}
	n := int(binary.BigEndian.Uint32(b))
	if n < minFrame || n > maxFrame || n > len(b)-frameHead {
		return 0, false
	}
	size = frameHead + n
	return size, binary.BigEndian.Uint32(b[4:]) == sum(b[:size])
}

// sum is the checksum of a frame: over all of it but the checksum.
func sum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[:4], castagnoli), castagnoli, frame[frameHead:])
}

func appendOp(b []byte, bucket, key string, value []byte) []byte {
	op := byte(opPut)
	if value == nil {
		op = opDelete
	}
	b = append(b, op)
	b = binary.BigEndian.AppendUint16(b, uint16(len(bucket)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	b = append(b, bucket...)
	b = append(b, key...)
	return append(b, value...)
}

// table is the records, and the octets they need as operations in a new journal.
type table struct {
	m      map[name][]byte
	octets int
}

// apply carries out the operations of a frame.
func (t *table) apply(clear []byte) error {
	for len(clear) > 0 {
		if len(clear) < opHead {
			return errClear
		}
		op := clear[0]
		nb, nk := int(binary.BigEndian.Uint16(clear[1:])), int(binary.BigEndian.Uint16(clear[3:]))
		nv := int(binary.BigEndian.Uint32(clear[5:]))
		clear = clear[opHead:]
		if nv > MaxValue || len(clear) < nb+nk+nv {
			return errClear
		}
		n, value := name{string(clear[:nb]), string(clear[nb : nb+nk])}, clear[nb+nk:nb+nk+nv]
		switch op {
		case opPut:
			t.remove(n)
			t.m[n] = append([]byte{}, value...)
			t.octets += opHead + nb + nk + nv
		case opDelete:
			t.remove(n)
		default:
			return errClear
		}
		clear = clear[nb+nk+nv:]
	}
	return nil
}

func (t *table) remove(n name) {
	if old, ok := t.m[n]; ok {
		t.octets -= opHead + len(n.bucket) + len(n.key) + len(old)
		delete(t.m, n)
	}
}

// damaged reports whether a whole frame stands anywhere in b. Frames are written one at a time and each is on the disk
// before the next is begun, so a crash leaves nothing behind a torn frame; a whole frame there means that the disk, or
// somebody, has changed what was once durable.
func damaged(b []byte) bool {
	for i := 1; i < len(b); i++ {
		if _, ok := whole(b[i:]); ok {
			return true
		}
	}
	return false
}
