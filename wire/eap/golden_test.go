package eap

import (
	"roam6/wire/octets"
)

// golden is a packet and its octets, written by hand from the figures of the RFCs.
type golden struct {
	name   string
	hex    string // spaces, and comments from # to the end of the line
	packet Packet
	gpsk   GPSKMessage // what the packet carries, if it is of EAP-GPSK
}

func (g golden) octets() []byte { return octets.Of(g.hex) }

const (
	peerRandom   = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	serverRandom = "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
)

var goldens = []golden{
	{"success", "03 2a 0004 # Code, Identifier, Length", Packet{Code: Success, ID: 42}, nil},
	{"failure", "04 2b 0004", Packet{Code: Failure, ID: 43}, nil},
	{"identity request", "01 01 0005 01 # Type", Packet{Code: Request, ID: 1, Method: Identity}, nil},
	{"identity response", "02 01 0009 01 6d 6e 40 68", Packet{Code: Response, ID: 1, Method: Identity, Data: []byte("mn@h")}, nil},
	{"nak", "02 02 0007 03 33 fe # EAP-GPSK, or an Expanded Type", Packet{Code: Response, ID: 2, Method: Nak, Data: []byte{51, 254}}, nil},
	{"expanded", `01 03 000e
		fe 000014     # Type 254, Vendor-Id 20
		00000006      # Vendor-Type 6
		6869`, Packet{Code: Request, ID: 3, Method: Method{20, 6}, Expanded: true, Data: []byte("hi")}, nil},
	{"expanded nak", `02 03 001c # the example of RFC 3748 §5.3.2
		fe 000000 00000003
		fe 000000 00000005
		fe 000014 00000006`, Packet{Code: Response, ID: 3, Method: Nak, Expanded: true,
		Data: []byte{254, 0, 0, 0, 0, 0, 0, 5, 254, 0, 0, 20, 0, 0, 0, 6}}, nil},
	{"GPSK-1", `01 04 0038 33
		01                          # OP-Code
		0002 6161                   # ID_Server
		` + serverRandom + `
		000c 000000000002 000000000001 # CSuite_List
		`, Packet{Code: Request, ID: 4, Method: GPSK}, &GPSK1{Server: []byte("aa"), RandServer: [RandLen]byte(octets.Ramp(0x40, 32)), Suites: []Suite{SHA256, AES}}},
	{"GPSK-2", `02 04 0090 33
		02
		0004 6d6e4068               # ID_Peer
		0002 6161                   # ID_Server
		` + peerRandom + serverRandom + `
		000c 000000000002 000000000001 # CSuite_List
		000000000002                # CSuite_Sel
		000a 00 0000000100020000 00   # PD_Payload_Block: IV Length, one empty payload, Pad Length
		808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f # MAC
		`, Packet{Code: Response, ID: 4, Method: GPSK}, &GPSK2{Peer: []byte("mn@h"), Server: []byte("aa"), RandPeer: [RandLen]byte(octets.Ramp(0x20, 32)),
		RandServer: [RandLen]byte(octets.Ramp(0x40, 32)), Suites: []Suite{SHA256, AES}, Suite: SHA256,
		Protected: []byte{0, 0, 0, 0, 1, 0, 2, 0, 0, 0}, MAC: octets.Ramp(0x80, 32)}},
	{"GPSK-3", `01 05 0062 33
		03
		` + peerRandom + serverRandom + `
		0002 6161                   # ID_Server
		000000000001                # CSuite_Sel
		0000                        # no PD_Payload_Block
		808182838485868788898a8b8c8d8e8f # MAC
		`, Packet{Code: Request, ID: 5, Method: GPSK}, &GPSK3{RandPeer: [RandLen]byte(octets.Ramp(0x20, 32)), RandServer: [RandLen]byte(octets.Ramp(0x40, 32)),
		Server: []byte("aa"), Suite: AES, MAC: octets.Ramp(0x80, 16)}},
	{"GPSK-4", `02 05 0028 33
		04
		0000                        # no PD_Payload_Block
		808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f # MAC
		`, Packet{Code: Response, ID: 5, Method: GPSK}, &GPSK4{MAC: octets.Ramp(0x80, 32)}},
	{"GPSK-Fail", "01 05 000a 33 05 00000002", Packet{Code: Request, ID: 5, Method: GPSK}, &GPSKFail{AuthenticationFailure}},
	{"GPSK-Protected-Fail", "01 05 001a 33 06 00000003 808182838485868788898a8b8c8d8e8f", Packet{Code: Request, ID: 5, Method: GPSK},
		&GPSKProtectedFail{AuthorizationFailure, octets.Ramp(0x80, 16)}},
	{"GPSK-Fail in an Expanded Type", "01 05 0011 fe 000000 00000033 05 00000001", Packet{Code: Request, ID: 5, Method: GPSK, Expanded: true},
		&GPSKFail{PSKNotFound}},
}
