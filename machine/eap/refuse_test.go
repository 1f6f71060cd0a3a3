package eap

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

// Runs of two programs that share no code with this one (keying/gpsk/testdata/hostap.json): given their nonces and identifiers, each of our
// ends says octet for octet what theirs said.
func TestRecordedRuns(t *testing.T) { //spec DM-06
	b, err := os.ReadFile("../../keying/gpsk/testdata/hostap.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Runs []struct {
			Suite    gpsk.Suite
			PSK, MSK string
			Packets  []string
		}
	}
	if err := json.Unmarshal(b, &file); err != nil || len(file.Runs) != 2 {
		t.Fatal(err)
	}
	for _, r := range file.Runs {
		var packets [][]byte
		for _, s := range r.Packets {
			b, _ := hex.DecodeString(s)
			packets = append(packets, b)
		}
		psk, _ := hex.DecodeString(r.PSK)
		x := with(t, 1, func(p *PeerConfig, s *ServerConfig) {
			p.Key, s.Key = secret(t, psk), secret(t, psk)
			p.Suites, s.Suites = []gpsk.Suite{r.Suite}, []gpsk.Suite{gpsk.AES, gpsk.SHA256}
		})
		q, _ := wire.Parse(packets[2])
		m, _ := wire.ParseGPSK(q.Data)
		x.peer.nonce, x.server.nonce = m.(*wire.GPSK2).RandPeer, m.(*wire.GPSK2).RandServer
		for i := 1; i < len(packets); i += 2 {
			if got := x.toServer(packets[i-1]); !bytes.Equal(got, packets[i]) {
				t.Errorf("suite %d, the server says\n     %x\nwant %x", r.Suite, got, packets[i])
			}
			got := x.toPeer(packets[i])
			if i+1 < len(packets) && !bytes.Equal(got, packets[i+1]) {
				t.Errorf("suite %d, the peer says\n     %x\nwant %x", r.Suite, got, packets[i+1])
			}
		}
		if k, ok := x.peer.Keys(); !x.agreed() || !ok || hex.EncodeToString(k.MSK()) != r.MSK {
			t.Errorf("suite %d: the peer %+v, the server %+v", r.Suite, x.last.peer, x.last.server)
		}
	}
}

// stages of a conversation: how many packets were carried since Begin's.
const (
	gpsk1 = iota // the server's answer to the identity
	gpsk2
	gpsk3
	gpsk4
	success
)

// reach runs a conversation until the packet of a stage is made, and gives it.
func (x *pair) reach(stage int) []byte {
	x.t.Helper()
	b := x.peer.Begin()
	for i := 0; i <= stage; i++ {
		if i%2 == 0 {
			b = x.toServer(b)
		} else {
			b = x.toPeer(b)
		}
	}
	if b == nil {
		x.t.Fatalf("stage %d is not reached: %+v, %+v", stage, x.last.peer, x.last.server)
	}
	return b
}

// deliver hands the packet of a stage to whom it is for, and then what follows.
func (x *pair) deliver(stage int, b []byte) (answered bool) {
	x.t.Helper()
	if stage%2 == 0 {
		return len(x.converse(b)) > 1
	}
	next := x.toServer(b)
	x.converse(next)
	return next != nil
}

// No packet with a bit that is not as it was sent makes an end succeed; and if it was refused the right one, coming after it, is taken.
func TestEveryBitFlip(t *testing.T) { //spec DM-06
	for _, suite := range []gpsk.Suite{gpsk.AES, gpsk.SHA256} {
		for stage := gpsk1; stage <= success; stage++ {
			good := with(t, 1, suites(suite)).reach(stage)
			for i := range 8 * len(good) {
				x := with(t, 1, suites(suite))
				x.reach(stage)
				peer, server := x.peer.result, x.server.result // the server has succeeded before its Success is damaged
				bad := bytes.Clone(good)
				bad[i/8] ^= 1 << (i % 8)
				answered := x.deliver(stage, bad)
				if x.peer.result == Succeeded && peer == Going || x.server.result == Succeeded && server == Going {
					t.Fatalf("suite %d, stage %d: bit %d of octet %d does not matter", suite, stage, i%8, i/8)
				}
				if answered || x.peer.result == Failed || x.server.result == Failed {
					continue
				}
				if x.deliver(stage, good); !x.agreed() {
					t.Fatalf("suite %d, stage %d, after bit %d of octet %d: the peer %+v, the server %+v", suite, stage, i%8, i/8, x.last.peer, x.last.server)
				}
			}
		}
	}
}

func packet(id uint8, code wire.Code, m wire.Method, data []byte) []byte {
	return wire.Packet{Code: code, ID: id, Method: m, Data: data}.Append(nil)
}

// foreign are the messages of another conversation between the same two.
func foreign(t *testing.T) map[string][]byte {
	messages := map[string][]byte{}
	for stage, name := range []string{"GPSK-1", "GPSK-2", "GPSK-3", "GPSK-4"} {
		p, _ := wire.Parse(with(t, 9, nil).reach(stage))
		messages[name] = p.Data
	}
	messages["Fail"] = (&wire.GPSKFail{Failure: wire.AuthenticationFailure}).Append(nil)
	messages["Protected-Fail"] = (&wire.GPSKProtectedFail{Failure: wire.AuthorizationFailure, MAC: make([]byte, 32)}).Append(nil)
	return messages
}

// What comes in a state is taken or refused with its reason, and what is refused changes nothing (toPeer).
func TestEveryStateOfThePeerRefuses(t *testing.T) {
	messages := foreign(t)
	for _, c := range []struct {
		name                            string
		data                            []byte
		method                          wire.Method
		atStart, proving, proved, atEnd string // "" is an answer
	}{
		{"Identity", nil, wire.Identity, "", Unexpected, Unexpected, Over},
		{"Notification", nil, wire.Notification, "", "", Unexpected, Over},
		{"Nak", []byte{51}, wire.Nak, Unexpected, Unexpected, Unexpected, Over},
		{"MD5", nil, wire.MD5, NoMethod, Unexpected, Unexpected, Over},
		{"GPSK-1", messages["GPSK-1"], wire.GPSK, "", "", Unexpected, Over},
		{"GPSK-2", messages["GPSK-2"], wire.GPSK, Unexpected, Unexpected, Unexpected, Over},
		{"GPSK-3", messages["GPSK-3"], wire.GPSK, Unexpected, Mismatch, Mismatch, Over},
		{"GPSK-4", messages["GPSK-4"], wire.GPSK, Unexpected, Unexpected, Unexpected, Over},
		{"Fail", messages["Fail"], wire.GPSK, Unexpected, Refused, Unexpected, Over},
		{"Protected-Fail", messages["Protected-Fail"], wire.GPSK, Unexpected, WrongMAC, Unexpected, Over},
		{"nonsense", []byte{9}, wire.GPSK, Malformed, Malformed, Malformed, Over},
	} {
		for stage, want := range map[int]string{-1: c.atStart, gpsk2: c.proving, gpsk4: c.proved, success: c.atEnd} { //order:any
			x := with(t, 1, nil)
			if b := x.reach(stage); stage == success {
				x.toPeer(b)
			}
			x.toPeer(packet(200, wire.Request, c.method, c.data))
			if x.last.peer.Reason != want {
				t.Errorf("peer, %s at stage %d: %+v, want %q", c.name, stage, x.last.peer, want)
			}
		}
	}
}

// Likewise of the server (toServer), with the right identifier.
func TestEveryStateOfTheServerRefuses(t *testing.T) {
	messages := foreign(t)
	for _, c := range []struct {
		name                            string
		data                            []byte
		method                          wire.Method
		asked, proposed, proving, ended string
	}{
		{"Identity", []byte("x"), wire.Identity, "", Unexpected, Unexpected, Over},
		{"Notification", nil, wire.Notification, Unexpected, Unexpected, Unexpected, Over},
		{"Nak", []byte{4}, wire.Nak, Unexpected, NoMethod, Unexpected, Over},
		{"empty Nak", nil, wire.Nak, Unexpected, Malformed, Unexpected, Over},
		{"MD5", nil, wire.MD5, Unexpected, Unexpected, Unexpected, Over},
		{"GPSK-1", messages["GPSK-1"], wire.GPSK, Unexpected, Unexpected, Unexpected, Over},
		{"GPSK-2", messages["GPSK-2"], wire.GPSK, Unexpected, Mismatch, Unexpected, Over},
		{"GPSK-3", messages["GPSK-3"], wire.GPSK, Unexpected, Unexpected, Unexpected, Over},
		{"GPSK-4", messages["GPSK-4"], wire.GPSK, Unexpected, Unexpected, WrongMAC, Over},
		{"Fail", messages["Fail"], wire.GPSK, Unexpected, Unexpected, Unexpected, Over},
		{"Protected-Fail", messages["Protected-Fail"], wire.GPSK, Unexpected, Unexpected, Unexpected, Over},
		{"nonsense", []byte{9}, wire.GPSK, Malformed, Malformed, Malformed, Over},
	} {
		for stage, want := range map[int]string{-1: c.asked, gpsk1: c.proposed, gpsk3: c.proving, success: c.ended} { //order:any
			x := with(t, 1, nil)
			if stage < 0 {
				x.server.Start()
			} else {
				x.reach(stage)
			}
			x.toServer(packet(x.server.id, wire.Response, c.method, c.data))
			if x.last.server.Reason != want {
				t.Errorf("server, %s at stage %d: %+v, want %q", c.name, stage, x.last.server, want)
			}
		}
	}
}

func TestCodesAndIdentifiers(t *testing.T) {
	x := with(t, 1, nil)
	at := func(stage int) *pair {
		x = with(t, 1, nil)
		x.reach(stage)
		return x
	}
	peer := func(what, want string, b []byte) {
		t.Helper()
		if x.toPeer(b); x.last.peer.Reason != want {
			t.Errorf("peer, %s: %+v, want %q", what, x.last.peer, want)
		}
	}
	server := func(what, want string, b []byte) {
		t.Helper()
		if x.toServer(b); x.last.server.Reason != want {
			t.Errorf("server, %s: %+v, want %q", what, x.last.server, want)
		}
	}
	ended := func(code wire.Code, id uint8) []byte { return wire.Packet{Code: code, ID: id}.Append(nil) }
	peer("a Success before anything was said", WrongIdentifier, ended(wire.Success, 0))
	peer("nonsense", Malformed, []byte{1, 2})
	at(gpsk2)
	id := x.peer.response[1]
	peer("a response", WrongCode, x.peer.response)
	peer("a Success before the proof", Unproved, ended(wire.Success, id))
	peer("a Failure with another identifier", WrongIdentifier, ended(wire.Failure, id+1))
	peer("a Failure", Rejected, ended(wire.Failure, id))
	at(gpsk4)
	id = x.peer.response[1]
	peer("a Success with another identifier", WrongIdentifier, ended(wire.Success, id-1))
	peer("a Failure after the proof", Contradicted, ended(wire.Failure, id))
	peer("a Success", "", ended(wire.Success, id))
	peer("another", Over, ended(wire.Success, id))

	at(gpsk1)
	server("a request", WrongCode, x.server.request)
	server("a Success", WrongCode, ended(wire.Success, x.server.id))
	server("nonsense", Malformed, nil)
	b := with(t, 1, nil).reach(gpsk2)
	b[1]++
	server("another identifier", WrongIdentifier, b)
}

// Protected data under a right MAC is decrypted and looked at, and the message refused if that cannot be done (RFC 5433 §10).
func TestProtectedData(t *testing.T) {
	for _, suite := range []gpsk.Suite{gpsk.AES, gpsk.SHA256} {
		for stage := gpsk2; stage <= gpsk4; stage++ {
			for _, right := range []bool{true, false} {
				x := with(t, 1, suites(suite))
				p, _ := wire.Parse(x.reach(stage))
				m, _ := wire.ParseGPSK(p.Data)
				keys := x.peer.keys
				block := keys.Seal(make([]byte, gpsk.IVLen(suite)), wire.AppendPayloads(nil, wire.Payload{Vendor: 1, Specifier: 2, Data: []byte("x")}))
				if !right {
					block = block[:len(block)-1]
				}
				switch m := m.(type) {
				case *wire.GPSK2:
					m.Protected = block
					m.MAC = keys.MAC(m.Covered())
				case *wire.GPSK3:
					m.Protected = block
					m.MAC = keys.MAC(m.Covered())
				case *wire.GPSK4:
					m.Protected = block
					m.MAC = keys.MAC(m.Covered())
				}
				p.Data = m.Append(nil)
				answered := x.deliver(stage, p.Append(nil))
				reasons := []string{x.last.peer.Reason, x.last.server.Reason}
				if x.agreed() != right || answered != right || slices.Contains(reasons, WrongData) == right {
					t.Errorf("suite %d, stage %d, right %v: %q", suite, stage, right, reasons)
				}
			}
		}
	}
}

// A forged GPSK-1 before or after the right one, with the same names, does not keep the two apart.
func TestForgedGPSK1(t *testing.T) {
	for _, after := range []bool{false, true} {
		x := with(t, 1, nil)
		right := x.reach(gpsk1)
		p, _ := wire.Parse(right)
		m, _ := wire.ParseGPSK(p.Data)
		m.(*wire.GPSK1).RandServer[7]++
		p.Data = m.Append(nil)
		forged := p.Append(nil)
		first, second := forged, right
		if after {
			first, second = right, forged
		}
		a, b := x.toPeer(first), x.toPeer(second)
		for _, response := range [][]byte{a, b} {
			x.converse(x.toServer(response))
		}
		if !x.agreed() {
			t.Errorf("after %v: the peer %+v, the server %+v", after, x.last.peer, x.last.server)
		}
	}
}

// The same GPSK-3 with another identifier is answered, so that a forger who is faster than the server gains nothing.
func TestGPSK3UnderAnotherIdentifier(t *testing.T) {
	x := with(t, 1, nil)
	right := x.reach(gpsk3)
	forged := bytes.Clone(right)
	forged[1] += 9
	if x.toPeer(forged) == nil {
		t.Fatalf("%+v", x.last.peer)
	}
	if x.deliver(gpsk3, right); !x.agreed() {
		t.Errorf("the peer %+v, the server %+v", x.last.peer, x.last.server)
	}
}

// Every edge is walked by what stands here.
func TestEveryEdge(t *testing.T) {
	clear(walked)
	for _, test := range []func(*testing.T){TestConversation, TestFailures, TestGivenUp, TestForgedGPSK1,
		TestGPSK3UnderAnotherIdentifier, TestEveryStateOfThePeerRefuses, TestEveryStateOfTheServerRefuses} {
		test(t)
	}
	for _, s := range []state{asked, proposed} { // Start is no Handle
		walk(fresh, s)
	}
	for from, list := range edges { //order:any
		for _, to := range list {
			if from != to && !walked[from][to] {
				t.Errorf("no test goes from %s to %s", from, to)
			}
		}
	}
}

// One who has the key, or stands between the two before anything is protected, says what does not fit together, under a right MAC.
func TestMismatches(t *testing.T) {
	key := secret(t, longTerm)
	both := []wire.Suite{onWire(gpsk.SHA256), onWire(gpsk.AES)}
	for name, change := range map[string]func(m *wire.GPSK2){ //order:any
		"downgrade":        func(m *wire.GPSK2) { m.Suites, m.Suite = both[1:], both[1] },
		"list in disorder": func(m *wire.GPSK2) { m.Suites = []wire.Suite{both[1], both[0]} },
		"another server":   func(m *wire.GPSK2) { m.Server = []byte("aaah.other.example") },
		"another nonce":    func(m *wire.GPSK2) { m.RandServer[3]++ },
	} {
		x := with(t, 1, nil)
		p, _ := wire.Parse(x.reach(gpsk2))
		msg, _ := wire.ParseGPSK(p.Data)
		m := msg.(*wire.GPSK2)
		change(m)
		m.MAC = key.Derive(gpsk.Run{Suite: gpsk.Suite(m.Suite.Specifier), RandPeer: m.RandPeer, RandServer: m.RandServer, Peer: m.Peer, Server: m.Server}).MAC(m.Covered())
		p.Data = m.Append(nil)
		if x.toServer(p.Append(nil)); x.last.server != (Outcome{Reason: Mismatch}) {
			t.Errorf("%s: the server says %+v", name, x.last.server)
		}
	}
	x := with(t, 1, func(_ *PeerConfig, s *ServerConfig) { s.Suites = []gpsk.Suite{gpsk.AES} })
	p, _ := wire.Parse(x.reach(gpsk2))
	msg, _ := wire.ParseGPSK(p.Data)
	m := msg.(*wire.GPSK2)
	m.Suite = onWire(gpsk.SHA256) // not offered
	m.MAC = key.Derive(gpsk.Run{Suite: gpsk.SHA256, RandPeer: m.RandPeer, RandServer: m.RandServer, Peer: m.Peer, Server: m.Server}).MAC(m.Covered())
	p.Data = m.Append(nil)
	if x.toServer(p.Append(nil)); x.last.server != (Outcome{Reason: Mismatch}) {
		t.Errorf("a suite that was not offered: %+v", x.last.server)
	}

	for name, change := range map[string]func(m *wire.GPSK3){ //order:any
		"another server":        func(m *wire.GPSK3) { m.Server = []byte("aaah.other.example") },
		"another suite":         func(m *wire.GPSK3) { m.Suite.Specifier = uint16(gpsk.AES) },
		"another nonce of ours": func(m *wire.GPSK3) { m.RandPeer[3]++ },
	} {
		x := with(t, 1, nil)
		p, _ := wire.Parse(x.reach(gpsk3))
		msg, _ := wire.ParseGPSK(p.Data)
		m := msg.(*wire.GPSK3)
		change(m)
		m.MAC = x.server.keys.MAC(m.Covered())[:m.Suite.MACLen()]
		p.Data = m.Append(nil)
		if x.toPeer(p.Append(nil)); x.last.peer != (Outcome{Reason: Mismatch}) {
			t.Errorf("%s: the peer says %+v", name, x.last.peer)
		}
	}
}
