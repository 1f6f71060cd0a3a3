package esp

import (
	"encoding/binary"
	"errors"
	"slices"
)

const (
	headerLen  = 8 // SPI and low half of the sequence number
	nonceLen   = SaltLen + IVLen
	aadLen     = 12
	trailerLen = 2 // Pad Length and Next Header
	align      = 4 // RFC 4303 §2.4: Pad Length and Next Header end a 4-octet word
)

// Overhead is the most octets Seal adds to a payload.
const Overhead = headerLen + IVLen + align - 1 + trailerLen + ICVLen

// Reasons why Open refuses a packet.
var (
	ErrShort   = errors.New("esp: shorter than header, IV, trailer and ICV")
	ErrAuth    = errors.New("esp: integrity check failed: wrong key or SPI, or the packet was altered")
	ErrPadding = errors.New("esp: authentic, but its padding is not 1, 2, 3, …: the sender is broken")
)

// Seal appends a whole ESP packet (SPI to ICV) around payload to dst. seq is the extended sequence number, 1 for the
// first packet; the same seq must never be sealed twice under one key. payload and the spare capacity of dst must
// not overlap.
//
// spec MIP-02
func Seal(dst []byte, k Key, spi uint32, seq uint64, nextHeader uint8, payload []byte) []byte {
	return seal(dst, k, spi, seq, seq, nextHeader, payload)
}

func seal(dst []byte, k Key, spi uint32, seq, iv uint64, nextHeader uint8, payload []byte) []byte {
	dst = slices.Grow(dst, len(payload)+Overhead)
	dst = binary.BigEndian.AppendUint32(dst, spi)
	dst = binary.BigEndian.AppendUint32(dst, uint32(seq))
	dst = binary.BigEndian.AppendUint64(dst, iv)
	start := len(dst)
	dst = append(dst, payload...)
	pad := (align - (len(payload)+trailerLen)%align) % align
	for i := range pad {
		dst = append(dst, uint8(i+1))
	}
	dst = append(dst, uint8(pad), nextHeader)
	kk := k.k()
	in := kk.inputs(spi, seq, iv)
	return kk.aead.Seal(dst[:start], in[:nonceLen], dst[start:], in[nonceLen:])
}

// Open checks an ESP packet against the extended sequence number the receiver inferred and gives what it carries,
// in memory of its own. The SPI in the packet is part of the check; that it is the one k belongs to is the caller's
// business, as is replay.
//
// spec MIP-02
func Open(esp []byte, k Key, seq uint64) (nextHeader uint8, payload []byte, err error) {
	if len(esp) < headerLen+IVLen+align+ICVLen {
		return 0, nil, ErrShort
	}
	if uint32(seq) != binary.BigEndian.Uint32(esp[4:]) {
		return 0, nil, ErrAuth
	}
	spi, iv := binary.BigEndian.Uint32(esp), binary.BigEndian.Uint64(esp[headerLen:])
	kk := k.k()
	in := kk.inputs(spi, seq, iv)
	clear, err := kk.aead.Open(nil, in[:nonceLen], esp[headerLen+IVLen:], in[nonceLen:])
	if err != nil {
		return 0, nil, ErrAuth
	}
	return untrail(clear)
}

// inputs builds the nonce (salt, IV: RFC 4106 §4) and behind it the additional authenticated data (SPI, high and low half of
// the sequence number: §5): one piece of memory, as the cipher has it escape.
func (k *keyed) inputs(spi uint32, seq, iv uint64) (in [nonceLen + aadLen]byte) {
	copy(in[:], k.salt[:])
	binary.BigEndian.PutUint64(in[SaltLen:], iv)
	binary.BigEndian.PutUint32(in[nonceLen:], spi)
	binary.BigEndian.PutUint64(in[nonceLen+4:], seq)
	return in
}

// untrail takes the padding off. RFC 4303 §2.4 lets a receiver inspect it; an authentic packet with other padding
// comes from a sender that does not speak this protocol.
func untrail(clear []byte) (uint8, []byte, error) {
	if len(clear) < trailerLen {
		return 0, nil, ErrPadding
	}
	end := len(clear) - trailerLen
	pad, next := int(clear[end]), clear[end+1]
	if pad > end {
		return 0, nil, ErrPadding
	}
	for i, x := range clear[end-pad : end] {
		if int(x) != i+1 {
			return 0, nil, ErrPadding
		}
	}
	return next, clear[: end-pad : end-pad], nil
}
