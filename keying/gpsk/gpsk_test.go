package gpsk

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"roam6/wire/eap"
)

// recorded is a run of two programs that share no code with this one; testdata/hostap.json says which.
type recorded struct {
	Suite                  Suite
	PSK, MSK, EMSK, SK, PK string
	SessionID              string `json:"session_id"`
	Packets                []string
}

func bits(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func recordings(t testing.TB) []recorded {
	t.Helper()
	b, err := os.ReadFile("testdata/hostap.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Runs []recorded }
	if err := json.Unmarshal(b, &file); err != nil || len(file.Runs) != 2 {
		t.Fatal(err, len(file.Runs))
	}
	return file.Runs
}

// messages are those of EAP-GPSK in a recorded run.
func (r recorded) messages(t testing.TB) (out []eap.GPSKMessage) {
	t.Helper()
	for _, s := range r.Packets {
		p, err := eap.Parse(bits(t, s))
		if err != nil {
			t.Fatal(err)
		}
		if p.Method != eap.GPSK {
			continue
		}
		m, err := eap.ParseGPSK(p.Data)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	if len(out) != 4 {
		t.Fatalf("%d messages", len(out))
	}
	return out
}

func (r recorded) run(t testing.TB) Run {
	m := r.messages(t)[1].(*eap.GPSK2)
	return Run{Suite: Suite(m.Suite.Specifier), RandPeer: m.RandPeer, RandServer: m.RandServer, Peer: m.Peer, Server: m.Server}
}

func key(t testing.TB, psk []byte) Key {
	t.Helper()
	k, err := NewKey(psk)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Every key and every MAC is the one that the other programs made of the same nonces and names.
func TestRecordedRuns(t *testing.T) {
	for _, r := range recordings(t) {
		k := key(t, bits(t, r.PSK)).Derive(r.run(t))
		d := k.k()
		for _, c := range []struct {
			name string
			got  []byte
			want string
		}{
			{"MSK", k.MSK(), r.MSK}, {"EMSK", k.EMSK(), r.EMSK}, {"SK", d.sk(), r.SK}, {"Session-Id", k.SessionID(), r.SessionID},
		} {
			if hex.EncodeToString(c.got) != c.want {
				t.Errorf("suite %d, %s: %x, want %s", r.Suite, c.name, c.got, c.want)
			}
		}
		if r.PK != "" && hex.EncodeToString(d.pk()) != r.PK {
			t.Errorf("suite %d, PK: %x, want %s", r.Suite, d.pk(), r.PK)
		}
		for _, m := range r.messages(t)[1:] {
			data := m.Append(nil)
			got := data[1+len(m.Covered()):]
			if k.Suite() != r.Suite || !k.Verify(m.Covered(), got) {
				t.Errorf("suite %d, %v: MAC %x, want %x", r.Suite, m.Op(), k.MAC(m.Covered()), got)
			}
		}
	}
}

// The examples of RFC 4493 §4.
func TestCMAC(t *testing.T) {
	k := bits(t, "2b7e151628aed2a6abf7158809cf4f3c")
	m := bits(t, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	for n, want := range map[int]string{ //order:any
		0: "bb1d6929e95937287fa37d129b756746", 16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827", 64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		for cut := range n + 1 { // however it is handed over
			if got := hex.EncodeToString(cmac(k, m[:cut], m[cut:n])); got != want {
				t.Errorf("%d octets cut at %d: %s, want %s", n, cut, got, want)
			}
		}
	}
}

// Each bit of what goes into the keys matters to all of them.
func TestEveryBitMatters(t *testing.T) {
	for _, r := range recordings(t) {
		psk, run := bits(t, r.PSK), r.run(t)
		base := key(t, psk).Derive(run)
		differs := func(what string, k Keys) {
			t.Helper()
			if k.Equal(base) || bytes.Equal(k.MSK(), base.MSK()) || bytes.Equal(k.SessionID(), base.SessionID()) || k.Verify([]byte("m"), base.MAC([]byte("m"))) {
				t.Errorf("suite %d: %s does not matter", r.Suite, what)
			}
		}
		for name, of := range map[string]func(*Run) []byte{ //order:any
			"RAND_Peer": func(r *Run) []byte { return r.RandPeer[:] }, "RAND_Server": func(r *Run) []byte { return r.RandServer[:] },
			"ID_Peer": func(r *Run) []byte { return r.Peer }, "ID_Server": func(r *Run) []byte { return r.Server },
		} {
			for i := range 8 * len(of(&run)) {
				x := run
				x.Peer, x.Server = slices.Clone(x.Peer), slices.Clone(x.Server)
				of(&x)[i/8] ^= 1 << (i % 8)
				differs(name, key(t, psk).Derive(x))
			}
		}
		other := run
		other.Suite = AES + SHA256 - run.Suite
		if key(t, psk).Derive(other).Equal(base) {
			t.Error("the suite does not matter")
		}
		for i := range 8 * run.Suite.Size() {
			x := slices.Clone(psk)
			x[i/8] ^= 1 << (i % 8)
			differs("PSK", key(t, x).Derive(run))
		}
		if key(t, append(slices.Clone(psk), 0)).Derive(run).Equal(base) {
			t.Error("what lies behind the first octets of the PSK does not matter")
		}
	}
}

func TestProtectedData(t *testing.T) {
	for _, r := range recordings(t) {
		k := key(t, bits(t, r.PSK)).Derive(r.run(t))
		iv := make([]byte, IVLen(r.Suite))
		for i := range iv {
			iv[i] = byte(0x10 + i)
		}
		for n := range 40 {
			plain := bytes.Repeat([]byte{byte(n)}, n)
			b := k.Seal(iv, plain)
			if got, err := k.Open(b); err != nil || !bytes.Equal(got, plain) || len(b) > 1+16+n+16 {
				t.Errorf("suite %d, %d octets: %x, %v", r.Suite, n, got, err)
			}
			if bytes.Contains(b, plain) != (r.Suite == SHA256 || n == 0) && n > 2 {
				t.Errorf("suite %d shows %x in %x", r.Suite, plain, b)
			}
		}
	}
}

// A block of suite 1 as OpenSSL 3 encrypts it under the PK of the recorded run, and blocks that cannot be right.
func TestProtectedDataFromOutside(t *testing.T) {
	runs := recordings(t)
	aes := key(t, bits(t, runs[0].PSK)).Derive(runs[0].run(t))
	sha := key(t, bits(t, runs[1].PSK)).Derive(runs[1].run(t))
	iv := "101112131415161718191a1b1c1d1e1f"
	good := bits(t, "10"+iv+"ba32932a955b687236e853b263386685")
	want := eap.AppendPayloads(nil, eap.Payload{Vendor: 1, Specifier: 1, Data: []byte("hello")})
	if got, err := aes.Open(good); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
	if got := aes.Seal(bits(t, iv), want); !bytes.Equal(got, good) {
		t.Errorf("%x, want %x", got, good)
	}
	if got := sha.Seal(nil, want); !bytes.Equal(got, append(append([]byte{0}, want...), 0)) {
		t.Errorf("%x", got)
	}
	for n := range good {
		if b, err := aes.Open(good[:n]); err == nil {
			t.Errorf("cut at %d: %x", n, b)
		}
	}
	pads := slices.Clone(good) // the last octet of the plaintext becomes 2^0xf0, more than the block has
	pads[16] ^= 0xf0
	for name, c := range map[string]struct { //order:any
		k Keys
		b []byte
	}{
		"padding longer than the block": {aes, pads}, "no IV": {aes, append([]byte{0}, good[1:]...)}, "an IV": {sha, good},
		"padding where none may be": {sha, []byte{0, 1, 1}}, "nothing": {sha, nil}, "no padding length": {sha, []byte{0}},
	} {
		if b, err := c.k.Open(c.b); err != ErrProtected {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, n := range []int{0, MinPSK - 1, MaxPSK + 1} {
		if _, err := NewKey(make([]byte, n)); err == nil || !strings.Contains(err.Error(), "use 16 to 64") {
			t.Errorf("%d octets: %v", n, err)
		}
	}
	short, long := key(t, make([]byte, 16)), key(t, make([]byte, 32))
	for _, c := range []struct {
		k    Key
		s    Suite
		fits bool
	}{{short, AES, true}, {short, SHA256, false}, {long, AES, true}, {long, SHA256, true}, {long, 3, false}, {Key{}, AES, false}} {
		if c.k.Fits(c.s) != c.fits {
			t.Errorf("suite %d: %v", c.s, !c.fits)
		}
	}
	for name, f := range map[string]func(){ //order:any
		"short key": func() { short.Derive(Run{Suite: SHA256}) },
		"no key":    func() { Key{}.Derive(Run{Suite: AES}) },
		"no IV":     func() { long.Derive(Run{Suite: AES}).Seal(nil, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			f()
		}()
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	psk := []byte("0123456789abcdef0123456789abcdef")
	k := key(t, psk)
	keys := k.Derive(Run{Suite: SHA256})
	for _, v := range []any{k, keys, &k, &keys, struct{ K Key }{k}, []Keys{keys}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			s := fmt.Sprintf(verb, v)
			if strings.Contains(s, "0123456789") || strings.Contains(s, hex.EncodeToString(psk[:8])) || strings.Contains(s, hex.EncodeToString(keys.MSK()[:8])) || strings.Contains(s, "48 49 50") {
				t.Errorf("%s of %T: %s", verb, v, s)
			}
		}
	}
	b, err := json.Marshal(struct {
		A Key
		B Keys
	}{k, keys})
	if err != nil || string(b) != `{"A":"[key]","B":"[key]"}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestErase(t *testing.T) {
	k := key(t, bytes.Repeat([]byte{7}, 32))
	keys := k.Derive(Run{Suite: SHA256})
	k.Erase()
	keys.Erase()
	Key{}.Erase()
	Keys{}.Erase()
	if !bytes.Equal(k.k(), make([]byte, 32)) || !bytes.Equal(keys.MSK(), make([]byte, MSKLen)) || !keys.Valid() || (Keys{}).Valid() {
		t.Error("still there")
	}
}

func BenchmarkDerive(b *testing.B) {
	for _, r := range recordings(b) {
		k, run := key(b, bits(b, r.PSK)), r.run(b)
		b.Run(fmt.Sprintf("suite%d", r.Suite), func(b *testing.B) {
			for b.Loop() {
				k.Derive(run)
			}
		})
	}
}
