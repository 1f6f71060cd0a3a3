package lwkrb_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	lk "roam6/keying/lwkrb"
	lw "roam6/wire/lwkrb"
)

func TestKeysDoNotPrint(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	k, s, a := must(lk.NewKey("a@A", 1, 18, secret)), must(lk.NewSession(secret)), must(lk.NewAccess(secret))
	e := must(lk.NewErrorKey(secret))
	type private struct {
		k lk.Key
		s lk.Session
		a lk.Access
		e lk.ErrorKey
	}
	body := lw.TicketBody{Session: secret, Client: ann}
	var all strings.Builder
	for _, v := range []any{k, s, a, e, &k, &s, &a, &e, private{k, s, a, e}, []lk.Access{a}, body, &body, lw.OpenReplyBody{Key: secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&all, verb+"\n", v)
		}
	}
	j, err := json.Marshal(struct {
		K lk.Key
		S lk.Session
		A lk.Access
		E lk.ErrorKey
		B lw.TicketBody
	}{k, s, a, e, body})
	fmt.Fprintf(&all, "%s %v", j, err)
	for _, part := range []string{"0123456789", hex.EncodeToString(secret[:8]), "48 49 50", "MDEyMzQ1"} {
		if strings.Contains(all.String(), part) {
			t.Errorf("%q appears in\n%s", part, all.String())
		}
	}
	if fmt.Sprint(k, s, a, e) != "[key] [key] [key] [key]" {
		t.Error(fmt.Sprint(k, s, a, e))
	}
}

func TestErase(t *testing.T) {
	k, s, a := must(lk.NewKey("a@A", 1, 18, ramp(1, 32))), must(lk.NewSession(ramp(1, 32))), must(lk.NewAccess(ramp(1, 32)))
	e := a.ErrorKey()
	body := lw.TicketBody{Session: ramp(1, 32)}
	k.Erase()
	s.Erase()
	a.Erase()
	e.Erase()
	body.Session.Erase()
	none := make([]byte, 32)
	if !bytes.Equal(a.Octets(), none) || !bytes.Equal(e.Octets(), none) || !bytes.Equal(body.Session, none) {
		t.Error("still there")
	}
	for name, f := range map[string]func(){ //order:any
		"key": func() { k.SealTicket(nil, drawn(1), nil, nil) }, "session": func() { s.SealAuthenticator(nil, drawn(1), nil, nil) },
		"access": func() { a.SealReply(nil, drawn(1), nil, nil) }, "error key": func() { e.MAC(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an erased %s is used", name)
				}
			}()
			f()
		}()
	}
}

func TestSizesOfKeys(t *testing.T) {
	for n := range 65 {
		for etype := uint8(15); etype < 25; etype++ {
			_, err := lk.NewKey("a@A", 1, etype, make([]byte, n))
			ok := n == 16 && (etype == 17 || etype == 19) || n == 32 && (etype == 18 || etype == 20)
			if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "use 16 octets with 17 and 19") {
				t.Errorf("encryption type %d, %d octets: %v", etype, n, err)
			}
		}
		_, e1 := lk.NewSession(make([]byte, n))
		_, e2 := lk.NewAccess(make([]byte, n))
		_, e3 := lk.NewErrorKey(make([]byte, n))
		if ok := n == 32; (e1 == nil) != ok || (e2 == nil) != ok || (e3 == nil) != ok {
			t.Errorf("%d octets: %v, %v, %v", n, e1, e2, e3)
		}
		if _, err := lk.SessionKey(make([]byte, n), ann, shared); (err == nil) != (n >= 16) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

// The same octets are another key for another principal, version or encryption type; and a session key for each client and sealer.
func TestKeysAreSeparate(t *testing.T) {
	sealed := must(lk.NewKey("a@A", 1, 18, ramp(1, 32))).SealTicket(nil, drawn(1), []byte("name"), []byte("body"))
	for name, k := range map[string]lk.Key{ //order:any
		"principal": must(lk.NewKey("b@A", 1, 18, ramp(1, 32))), "version": must(lk.NewKey("a@A", 2, 18, ramp(1, 32))),
		"encryption type": must(lk.NewKey("a@A", 1, 20, ramp(1, 32))), "octets": must(lk.NewKey("a@A", 1, 18, ramp(2, 32))),
	} {
		if _, err := k.OpenTicket([]byte("name"), sealed); err != lk.ErrTicket {
			t.Errorf("another %s: %v", name, err)
		}
	}
	k := must(lk.NewKey("a@A", 1, 18, ramp(1, 32)))
	if _, err := k.OpenTicket([]byte("eman"), sealed); err != lk.ErrTicket {
		t.Errorf("another name beside it: %v", err)
	}
	if _, err := k.OpenOpenRequest([]byte("name"), sealed); err != lk.ErrOpenRequest {
		t.Errorf("as an open-req: %v", err)
	}
	base := must(lk.SessionKey(ramp(1, 32), ann, shared))
	for _, other := range [][]byte{must(lk.SessionKey(ramp(2, 32), ann, shared)), must(lk.SessionKey(ramp(1, 32), "bob@HOME.EXAMPLE", shared)), must(lk.SessionKey(ramp(1, 32), ann, local))} {
		if bytes.Equal(base, other) {
			t.Error("one session key for two tickets")
		}
	}
}
