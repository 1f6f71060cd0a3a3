package eap

import (
	"bytes"
	"strings"
	"testing"

	"roam6/engine"
	"roam6/keying/gpsk"
	wire "roam6/wire/eap"
)

// erased says whether nothing of keys is left.
func erased(k gpsk.Keys) bool { return bytes.Equal(k.MSK(), make([]byte, gpsk.MSKLen)) }

// The keys of a GPSK-1 that another one followed, and those of a nonce that was another's, are overwritten; the ones that count are not.
func TestReplacedKeysAreErased(t *testing.T) { //spec DM-06
	x := with(t, 1, nil)
	right := x.toServer(x.peer.Begin())
	q, _ := wire.Parse(right)
	m, _ := wire.ParseGPSK(q.Data)
	forged := *m.(*wire.GPSK1)
	forged.RandServer[0] ^= 1
	x.toPeer(packet(q.ID+9, wire.Request, wire.GPSK, forged.Append(nil)))
	first := x.peer.keys
	gpsk2 := x.toPeer(right)
	if second := x.peer.keys; !erased(first) || erased(second) {
		t.Error("keys of the first GPSK-1 are left when there is another")
	}
	x.toPeer(packet(q.ID+8, wire.Request, wire.GPSK, forged.Append(nil))) // GPSK-3 says which nonce counts
	of := x.peer.keys
	x.toPeer(x.toServer(gpsk2))
	if !erased(of) || erased(x.peer.keys) || x.peer.state != proved {
		t.Errorf("keys of another's nonce are left, in state %s: %+v", x.peer.State(), x.last.peer)
	}
}

// Names are as long as EAP-GPSK has room for, and no longer; keys short for all suites are for no end.
func TestNamesAtTheirLimit(t *testing.T) {
	longest := strings.Repeat("n", wire.MaxID)
	rand, key := engine.NewRand([32]byte{}), secret(t, longTerm)
	for n, ok := range map[string]bool{longest: true, longest + "n": false} { //order:any
		_, peer := NewPeer(PeerConfig{Identity: n, Server: n, Key: key}, rand)
		_, server := NewServer(ServerConfig{Name: n, Peer: n, Key: key}, rand)
		if (peer == nil) != ok || (server == nil) != ok {
			t.Errorf("%d octets: %v, %v", len(n), peer, server)
		}
	}
	_, err := NewPeer(PeerConfig{Identity: longest + "n", Key: key}, rand)
	if want := "eap: the name of the peer has 255 octets; use 1 to 254\neap: the name of the peer in EAP-GPSK has 255 octets; use 1 to 254"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// The first identifier of a server's own is drawn; that of a Response/Identity nobody asked for goes on.
func TestFirstIdentifier(t *testing.T) {
	seen := map[byte]bool{}
	for seed := range byte(16) {
		seen[with(t, seed, nil).server.Start()[1]] = true
	}
	if len(seen) < 8 {
		t.Errorf("16 conversations begin with %d identifiers", len(seen))
	}
	x := with(t, 1, nil)
	b := bytes.Clone(x.peer.Begin())
	b[1] = 200
	if got := x.toServer(b); got == nil || got[1] != 201 {
		t.Errorf("%x", got)
	}
}

// What a server says when it refuses: nothing of the key to who may not have it, and why to who has proven himself.
func TestFailureCodes(t *testing.T) { //spec DM-06
	for name, c := range map[string]struct {
		change func(p *PeerConfig, s *ServerConfig)
		want   wire.FailureCode
	}{
		"wrong key":      {func(p *PeerConfig, _ *ServerConfig) { p.Key = secret(t, bytes.Repeat([]byte{7}, 32)) }, wire.AuthenticationFailure},
		"unknown peer":   {func(_ *PeerConfig, s *ServerConfig) { s.Key = gpsk.Key{} }, wire.AuthenticationFailure},
		"another name":   {func(p *PeerConfig, _ *ServerConfig) { p.Name = "somebody" }, wire.AuthenticationFailure},
		"not authorized": {func(_ *PeerConfig, s *ServerConfig) { s.Denied = true }, wire.AuthorizationFailure},
	} { //order:any
		x := with(t, 3, c.change)
		q, err := wire.Parse(x.toServer(x.toPeer(x.toServer(x.peer.Begin()))))
		if err != nil {
			t.Fatal(name, err)
		}
		m, err := wire.ParseGPSK(q.Data)
		if err != nil {
			t.Fatal(name, err)
		}
		var got wire.FailureCode
		switch m := m.(type) {
		case *wire.GPSKFail:
			got = m.Failure
		case *wire.GPSKProtectedFail:
			got = m.Failure
		}
		if got != c.want {
			t.Errorf("%s: %T %v, want %v", name, m, got, c.want)
		}
	}
}

// Only a whole Response/Identity says who somebody is.
func TestIdentityOfOthers(t *testing.T) {
	x := with(t, 1, nil)
	for name, b := range map[string][]byte{ //order:any
		"a request":     wire.Packet{Code: wire.Request, Method: wire.Identity, Data: []byte(nai)}.Append(nil),
		"another type":  wire.Packet{Code: wire.Response, Method: wire.Notification, Data: []byte(nai)}.Append(nil),
		"cut":           x.peer.Begin()[:7],
		"with one more": {2, 0, 0, 9, 1, 'a'},
	} {
		if s, ok := Identity(b); ok {
			t.Errorf("%s: %q", name, s)
		}
	}
}
