package sa

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"roam6/keying/esp"
	"roam6/keying/mip"
)

// MinSPI is the lowest Security Parameters Index in use; RFC 4303 §2.1 and RFC 4285 §5.1 reserve 0 to 255.
const MinSPI = 256

// Config chooses ESP or RFC 4285: exactly one is set.
type Config struct {
	ESP  *ESPConfig
	Auth *AuthConfig
}

// ESPConfig is a pair of ESP associations, one a direction. The peer has the same with Out and In exchanged.
type ESPConfig struct {
	OutSPI, InSPI uint32
	OutKey, InKey []byte // AES key of 16 or 32 octets, then 4 octets of salt
}

// AuthConfig is a mobility security association of RFC 4285; both ends have the same.
type AuthConfig struct {
	SPI       uint32
	Key       []byte // 16 to 64 octets
	Algorithm string // "hmac-sha256-128" (also when empty) or "hmac-sha1-96"
}

// Format prints the SPIs and no key, for every verb.
func (c ESPConfig) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{OutSPI:%#x InSPI:%#x OutKey:[key] InKey:[key]}", c.OutSPI, c.InSPI)
}

// MarshalJSON writes the SPIs and no key.
func (c ESPConfig) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"OutSPI":%d,"InSPI":%d}`, c.OutSPI, c.InSPI), nil
}

// Format prints SPI and algorithm and no key, for every verb.
func (c AuthConfig) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{SPI:%#x Algorithm:%s Key:[key]}", c.SPI, c.Algorithm)
}

// MarshalJSON writes SPI and algorithm and no key.
func (c AuthConfig) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `{"SPI":%d,"Algorithm":%q}`, c.SPI, c.Algorithm), nil
}

// Kind is how an association protects.
type Kind string

// The kinds.
const (
	ESP  Kind = "esp"
	Auth Kind = "auth"
)

// New makes an association with a peer, whose name appears in records and events. The error says which value to change.
func New(c Config, peer string) (*SA, error) {
	switch {
	case c.ESP != nil && c.Auth != nil:
		return nil, errors.New("sa: both ESP and RFC 4285 authentication are configured; leave one out")
	case c.ESP != nil:
		return newESP(c.ESP, peer)
	case c.Auth != nil:
		return newAuth(c.Auth, peer)
	}
	return nil, errors.New("sa: neither ESP nor RFC 4285 authentication is configured; mobility messages need one of them")
}

func newESP(c *ESPConfig, peer string) (*SA, error) {
	for _, spi := range []uint32{c.OutSPI, c.InSPI} {
		if spi < MinSPI {
			return nil, fmt.Errorf("sa: SPI %d is reserved; use %d to 4294967295", spi, MinSPI)
		}
	}
	out, err := esp.NewKey(c.OutKey)
	if err != nil {
		return nil, fmt.Errorf("sa: outbound key: %w", err)
	}
	in, err := esp.NewKey(c.InKey)
	if err != nil {
		return nil, fmt.Errorf("sa: inbound key: %w", err)
	}
	if bytes.Equal(c.OutKey, c.InKey) {
		// Both ends count from 1, so nonces would repeat: AES-GCM then gives away its authentication key.
		return nil, errors.New("sa: both directions have the same key, which breaks AES-GCM; make one key for each")
	}
	s := &SA{peer: peer, kind: ESP, outSPI: c.OutSPI, inSPI: c.InSPI}
	s.esp = &espState{outKey: out, inKey: in}
	s.outRecord = recordKey("out", c.OutSPI, c.OutKey)
	s.inRecord = recordKey("in", c.InSPI, c.InKey)
	return s, nil
}

func newAuth(c *AuthConfig, peer string) (*SA, error) {
	if c.SPI < mip.MinSPI {
		return nil, fmt.Errorf("sa: mobility SPI %d is reserved; use %d to 4294967295", c.SPI, mip.MinSPI)
	}
	alg := mip.Algorithm(c.Algorithm)
	if alg == "" {
		alg = mip.HMACSHA256
	}
	key, err := mip.NewKey(alg, c.Key)
	if err != nil {
		return nil, fmt.Errorf("sa: %w", err)
	}
	s := &SA{peer: peer, kind: Auth, outSPI: c.SPI, inSPI: c.SPI, auth: &authState{key: key}}
	s.inRecord = recordKey("in", c.SPI, c.Key)
	return s, nil
}

// String names the association by its peer and kind.
func (s *SA) String() string { return fmt.Sprintf("sa(%s, %s)", s.peer, s.kind) }

// Format prints what String gives, for every verb.
func (s *SA) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }
