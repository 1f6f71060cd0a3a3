package lwkrb

import (
	"bytes"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"roam6/wire"
	"roam6/wire/octets"
)

var (
	when    = time.Unix(0x6b49d200, 0).UTC() // 2027-01-15 08:00
	careOf  = netip.MustParseAddr("2001:db8:a:2:0:ff:fe00:a01")
	address = netip.MustParseAddr("2001:db8:a:2::1")
	krbtgt  = KeyName{Principal: "krbtgt/A@B", KVNO: 3, EType: 18}
)

// value is a message or what one seals.
type value interface{ Append(b []byte) []byte }

// golden is a value, its octets with a comment on each line, and what reads it.
type golden struct {
	text  string
	want  value
	parse func([]byte) (value, error)
}

func (g golden) octets() []byte { return octets.Of(g.text) }

// reads makes a parser of values one of pointers.
func reads[M any, P interface {
	*M
	value
}](parse func([]byte) (M, error)) func([]byte) (value, error) {
	return func(b []byte) (value, error) {
		m, err := parse(b)
		return P(&m), err
	}
}

func anyMessage(b []byte) (value, error) { return Parse(b) }

const sealed40 = `
		40 41 42 43 44 45 46 47 48 49 4a 4b     # sealed: nonce
		4c 4d 4e 4f 50 51 52 53 54 55 56 57     #
		58 59 5a 5b 5c 5d 5e 5f                 # tag
		60 61 62 63 64 65 66 67                 #
`

var goldens = map[string]golden{
	"ap-req": {`
		01 01 00 6a  01 02 03 04                # version 1, ap-req, 106 octets, identifier
		0a 6b 72 62 74 67 74 2f 41 40 42        # krbtgt/A@B
		00 00 00 03  12                         # key version 3, encryption type 18
		00 28                                   # ticket, 40 octets
		20 21 22 23 24 25 26 27 28 29 2a 2b     #
		2c 2d 2e 2f 30 31 32 33 34 35 36 37     #
		38 39 3a 3b 3c 3d 3e 3f 40 41 42 43     #
		44 45 46 47                             #
		` + sealed40, &Request{0x01020304, Ticket{krbtgt, octets.Ramp(0x20, 40)}, octets.Ramp(0x40, 40)}, anyMessage},
	"ap-rep": {`
		01 02 00 30  01 02 03 04                # version 1, ap-rep, 48 octets, identifier
		` + sealed40, &Reply{0x01020304, octets.Ramp(0x40, 40)}, anyMessage},
	"error": {`
		01 03 00 0e  01 02 03 04                # version 1, error, 14 octets, identifier
		00 25                                   # KRB_AP_ERR_SKEW
		6b 49 d2 00                             # time
		`, &Error{0x01020304, Skew, when, nil}, anyMessage},
	"error with MAC": {`
		01 03 00 1e  01 02 03 04                # version 1, error, 30 octets, identifier
		00 20                                   # KRB_AP_ERR_TKT_EXPIRED
		6b 49 d2 00                             # time
		60 61 62 63 64 65 66 67                 # MAC
		68 69 6a 6b 6c 6d 6e 6f                 #
		`, &Error{0x01020304, Expired, when, octets.Ramp(0x60, 16)}, anyMessage},
	"open-req": {`
		01 04 00 40  01 02 03 04                # version 1, open-req, 64 octets, identifier
		0a 6b 72 62 74 67 74 2f 41 40 42        # krbtgt/A@B
		00 00 00 03  12                         # key version 3, encryption type 18
		` + sealed40, &OpenRequest{0x01020304, krbtgt, octets.Ramp(0x40, 40)}, anyMessage},
	"open-rep": {`
		01 05 00 30  01 02 03 04                # version 1, open-rep, 48 octets, identifier
		` + sealed40, &OpenReply{0x01020304, octets.Ramp(0x40, 40)}, anyMessage},
	"ticket": {`
		0a 6b 72 62 74 67 74 2f 41 40 42        # krbtgt/A@B
		00 00 00 03  12                         # key version 3, encryption type 18
		00 28                                   # 40 octets
		` + sealed40, &Ticket{krbtgt, octets.Ramp(0x40, 40)}, reads(ParseTicket)},
	"ticket body": {`
		00 20 00 00                             # flags: pre-authent
		6b 49 d2 00  6b 49 e0 10                # start, end an hour later
		10 11 12 13 14 15 16 17                 # session key
		18 19 1a 1b 1c 1d 1e 1f                 #
		20 21 22 23 24 25 26 27                 #
		28 29 2a 2b 2c 2d 2e 2f                 #
		05 61 6e 6e 40 42                       # ann@B
		02 01 43 02 44 45                       # transited: C, DE
		a0 a1 a2 a3                             # attributes
		`, &TicketBody{1 << 21, when, when.Add(time.Hour), octets.Ramp(0x10, 32), "ann@B", []string{"C", "DE"}, octets.Ramp(0xa0, 4)}, reads(ParseTicketBody)},
	"authenticator": {`
		6b 49 d2 00                             # time
		e0 00  00 00 10 01                      # AH, ESP, buffer; SPI
		20 01 0d b8 00 0a 00 02                 # care-of address
		00 00 00 ff fe 00 0a 01                 #
		20 01 0d b8 00 0a 00 02                 # router address
		00 00 00 00 00 00 00 01                 #
		06 02 00 00 00 0a 01                    # link-layer address
		0e 6d 6f 62 69 6c 65 69 70 2f 61 2e 62 40 41  # mobileip/a.b@A
		`, &Authenticator{when, WantAH | WantESP | WantBuffer, 0x1001, careOf, address, []byte{2, 0, 0, 0, 0xa, 1}, "mobileip/a.b@A"}, reads(ParseAuthenticator)},
	"ap-rep body": {`
		6b 49 d2 00  00 00 0e 10                # time, lifetime 3600 s
		80 00  00 00 20 01                      # AH; SPI
		`, &ReplyBody{when, time.Hour, WantAH, 0x2001}, reads(ParseReplyBody)},
	"open-req body": {`
		6b 49 d2 00                             # time
		0e 6d 6f 62 69 6c 65 69 70 2f 61 2e 62 40 41  # mobileip/a.b@A
		01 01 41                                # path: A
		01 01 00 08 01 02 03 04                 # ap-req
		`, &OpenRequestBody{when, "mobileip/a.b@A", []string{"A"}, []byte{1, 1, 0, 8, 1, 2, 3, 4}}, reads(ParseOpenRequestBody)},
	"open-rep body": {`
		00 00  6b 49 d2 00                      # no error, time
		10 11 12 13 14 15 16 17                 # access key
		18 19 1a 1b 1c 1d 1e 1f                 #
		20 21 22 23 24 25 26 27                 #
		28 29 2a 2b 2c 2d 2e 2f                 #
		00 20 00 00  6b 49 e0 10                # flags, end
		05 61 6e 6e 40 42  00                   # ann@B, nothing transited
		00 30                                   # authenticator, 48 octets
		50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f #
		60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f #
		70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f #
		a0 a1 a2 a3                             # attributes
		`, &OpenReplyBody{None, when, octets.Ramp(0x10, 32), Opened{1 << 21, when.Add(time.Hour), "ann@B", nil, octets.Ramp(0x50, 48), octets.Ramp(0xa0, 4)}}, reads(ParseOpenReplyBody)},
	"open-rep body that refuses": {`
		00 25  6b 49 d2 00                      # KRB_AP_ERR_SKEW, time
		10 11 12 13 14 15 16 17                 # error key
		18 19 1a 1b 1c 1d 1e 1f                 #
		20 21 22 23 24 25 26 27                 #
		28 29 2a 2b 2c 2d 2e 2f                 #
		`, &OpenReplyBody{Code: Skew, Time: when, Key: octets.Ramp(0x10, 32)}, reads(ParseOpenReplyBody)},
}

func TestGoldens(t *testing.T) { //spec FH-04 FH-10 FH-14 FH-15 FH-16
	for name, g := range goldens { //order:any
		b := g.octets()
		got, err := g.parse(b)
		if err != nil || !reflect.DeepEqual(got, g.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, err, got, g.want)
		}
		if out := g.want.Append([]byte("before")); !bytes.Equal(out, append([]byte("before"), b...)) {
			t.Errorf("%s\n got %x\nwant %x", name, out[6:], b)
		}
	}
}

// cuttable says where the last field of a value ends if that is optional or may have any length.
func cuttable(v value, n int) bool {
	switch v := v.(type) {
	case *TicketBody:
		return n >= len(v.Append(nil))-len(v.Attributes)
	case *OpenRequestBody:
		return n > len(v.Append(nil))
	case *OpenReplyBody:
		return v.Code == None && n >= len(v.Append(nil))-len(v.Attributes)
	}
	return false
}

func TestEveryCut(t *testing.T) {
	for name, g := range goldens { //order:any
		b := g.octets()
		for n := range b {
			got, err := g.parse(b[:n])
			if cuttable(g.want, n) {
				if err != nil || !bytes.Equal(got.Append(nil), b[:n]) {
					t.Errorf("%s cut at %d: %+v, %v", name, n, got, err)
				}
				continue
			}
			if !errors.Is(err, wire.ErrTruncated) || got != nil && !reflect.ValueOf(got).Elem().IsZero() {
				t.Errorf("%s cut at %d: %+v, %v", name, n, got, err)
			}
		}
		if got, err := g.parse(append(bytes.Clone(b), 0)); err == nil && !cuttable(g.want, len(b)+1) {
			t.Errorf("%s with an octet more: %+v", name, got)
		}
	}
	for n := range 2 {
		if m, err := Parse([]byte{1, 1}[:n]); m != nil || !errors.Is(err, wire.ErrTruncated) {
			t.Errorf("%d octets: %v, %v", n, m, err)
		}
	}
}
