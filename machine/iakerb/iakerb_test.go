package iakerb

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/wire/krb5"
)

var (
	first  = netip.MustParseAddrPort("[2001:db8:1::88]:88")
	second = netip.MustParseAddrPort("[2001:db8:1::89]:88")
	mn     = netip.MustParseAddr("fe80::9")
	epoch  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

type desk struct {
	t   testing.TB
	p   *Proxy
	now engine.Now
	out engine.Effects
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	p, err := New(Config{Realm: "A.EXAMPLE", Realms: []Realm{{"A.EXAMPLE", []netip.AddrPort{second}}, {"HOME.EXAMPLE", []netip.AddrPort{first, second}}}})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, p: p, now: engine.Now{Mono: 7, Wall: epoch}}
}

// request is a TGS-REQ or AS-REQ; n makes it one of its own.
func request(tgs bool, realm string, n uint32) []byte {
	q := krb5.KDCReq{TGS: tgs, Body: krb5.KDCReqBody{Realm: realm, Server: krb5.TGS(realm), Nonce: n, ETypes: []int32{20}}}
	if !tgs {
		q.Body.Client = krb5.MakeName("ann")
	}
	return q.Append(nil)
}

func reply(tgs bool, client string, size int) []byte {
	enc := krb5.EncryptedData{EType: 20, Cipher: make([]byte, size)}
	r := krb5.KDCRep{TGS: tgs, Client: krb5.Principal{Name: krb5.MakeName(client), Realm: "HOME.EXAMPLE"}, Enc: enc,
		Ticket: krb5.Ticket{Server: krb5.Principal{Name: krb5.TGS("HOME.EXAMPLE"), Realm: "HOME.EXAMPLE"}, Enc: enc}}
	return r.Append(nil)
}

func refusal(code krb5.ErrorCode) []byte {
	e := krb5.KRBError{ServerTime: epoch, Code: code, Server: krb5.Principal{Name: krb5.TGS("HOME.EXAMPLE"), Realm: "HOME.EXAMPLE"}}
	return e.Append(nil)
}

func minimal(message []byte) []byte {
	return krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCReq, Message: message}.Append(nil)
}

func headed(realm string, message []byte) []byte {
	b := append(krb5.IAKERBHeader{Realm: realm, Cookie: []byte("c")}.Append(nil), message...)
	return krb5.Token{Mech: krb5.MechIAKERB, ID: krb5.TokenProxy, Message: b}.Append(nil)
}

func (d *desk) heard(token []byte) []Fact { return d.p.Heard(d.now, mn, token, &d.out) }

func (d *desk) ask(token []byte) Ask {
	d.t.Helper()
	f := d.heard(token)
	if len(f) != 1 {
		d.t.Fatalf("%v, dropped %q", f, d.dropped())
	}
	return f[0].(Ask)
}

func (d *desk) pass() []Fact {
	d.t.Helper()
	at, why := d.p.Deadline()
	if at == engine.Never || why == "" {
		d.t.Fatal("it waits for nothing")
	}
	d.now.Mono = at
	return d.p.Tick(d.now, &d.out)
}

func (d *desk) dropped() (list []string) {
	for _, e := range d.out.List {
		if ev := e.(engine.Event); ev.Name == engine.EventDrop {
			list = append(list, ev.Reason)
		}
	}
	d.out.Reset()
	return list
}

// code is the error in a token for the node.
func code(t testing.TB, f Fact) krb5.ErrorCode {
	t.Helper()
	tok, err := krb5.ParseToken(f.(Reply).Token)
	if err != nil {
		t.Fatal(err)
	}
	e, err := krb5.ParseKRBError(tok.Message)
	if err != nil {
		t.Fatal(err)
	}
	return e.Code
}

// Logon and ticket requests pass in both forms of token, and what the KDC says comes back in the same.
func TestPasses(t *testing.T) { //spec RT-30
	for _, tgs := range []bool{false, true} {
		d := newDesk(t)
		b := request(tgs, "HOME.EXAMPLE", 1)
		a := d.ask(minimal(b))
		if a.KDC != first || a.Stream || !bytes.Equal(a.Data, b) {
			t.Fatalf("%+v", a)
		}
		answer := reply(tgs, "ann", 100)
		f := d.p.HeardFrom(d.now, a.Slot, first, answer, &d.out)
		want := krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: answer}.Append(nil)
		if len(f) != 1 || f[0].(Reply).Node != mn || !bytes.Equal(f[0].(Reply).Token, want) {
			t.Errorf("%v", f)
		}
		a = d.ask(headed("HOME.EXAMPLE", b))
		f = d.p.HeardFrom(d.now, a.Slot, first, refusal(krb5.ErrPreauthRequired), &d.out)
		if len(f) != 1 || !bytes.Equal(f[0].(Reply).Token, headed("HOME.EXAMPLE", refusal(krb5.ErrPreauthRequired))) {
			t.Errorf("%v", f)
		}
		if v := d.p.View(); v.UnderWay != 0 || v.Counts.Passed != 2 || v.Counts.Replies != 2 || len(d.dropped()) > 0 {
			t.Errorf("%+v", v)
		}
	}
	d := newDesk(t)
	if f := d.heard(headed("", nil)); len(f) != 1 || !bytes.Equal(f[0].(Reply).Token, headed("A.EXAMPLE", nil)) {
		t.Errorf("asked for the realm: %v", f)
	}
}

// Nothing else passes, and nobody is asked whom the configuration does not name.
func TestRefuses(t *testing.T) {
	ap := krb5.APReq{Ticket: krb5.Ticket{Server: krb5.Principal{Name: krb5.TGS("A"), Realm: "A"}, Enc: krb5.EncryptedData{EType: 20, Cipher: []byte{1}}},
		Authenticator: krb5.EncryptedData{EType: 20, Cipher: []byte{1}}}.Append(nil)
	good := request(false, "HOME.EXAMPLE", 1)
	for name, c := range map[string]struct { //order:any
		token []byte
		want  string
	}{
		"nothing":         {nil, Malformed},
		"no token":        {good, Malformed},
		"cut":             {minimal(good[:len(good)-1]), Malformed},
		"more":            {minimal(append(bytes.Clone(good), 0)), Malformed},
		"AP-REQ":          {minimal(ap), NotPassed},
		"reply":           {minimal(reply(false, "ann", 9)), NotPassed},
		"error":           {minimal(refusal(25)), NotPassed},
		"empty":           {minimal(nil), NotPassed},
		"for the client":  {krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: good}.Append(nil), NotPassed},
		"other mechanism": {krb5.Token{Mech: krb5.MechKerberos, ID: krb5.TokenAPReq, Message: ap}.Append(nil), NotPassed},
		"no header":       {krb5.Token{Mech: krb5.MechIAKERB, ID: krb5.TokenProxy, Message: good}.Append(nil), Malformed},
		"two realms":      {headed("A.EXAMPLE", good), Realms},
		"other realm":     {minimal(request(false, "X.EXAMPLE", 1)), NoKDC},
		"long":            {make([]byte, MaxRequest+1), TooLong},
	} {
		d := newDesk(t)
		f := d.heard(c.token)
		if got := d.dropped(); !slices.Equal(got, []string{c.want}) || d.p.View().UnderWay != 0 {
			t.Errorf("%s: %q", name, got)
		}
		switch {
		case c.want != NoKDC && len(f) > 0:
			t.Errorf("%s: %v", name, f)
		case c.want == NoKDC && (len(f) != 1 || code(t, f[0]) != krb5.ErrIAKERBKDCNotFound):
			t.Errorf("%s: %v", name, f)
		}
	}
}

// What comes to a slot's port is passed on if the KDC that was asked sent it, and it answers what was asked.
func TestWrongReplies(t *testing.T) {
	d := newDesk(t)
	a := d.ask(minimal(request(false, "HOME.EXAMPLE", 1)))
	for name, c := range map[string]struct { //order:any
		slot Slot
		from netip.AddrPort
		b    []byte
		want string
	}{
		"other address": {a.Slot, second, reply(false, "ann", 9), Unasked},
		"other slot":    {a.Slot + 1, first, reply(false, "ann", 9), Unasked},
		"no slot":       {Slots, first, reply(false, "ann", 9), Unasked},
		"negative":      {-1, first, reply(false, "ann", 9), Unasked},
		"other kind":    {a.Slot, first, reply(true, "ann", 9), Unasked},
		"other client":  {a.Slot, first, reply(false, "bob", 9), Unasked},
		"request":       {a.Slot, first, request(false, "HOME.EXAMPLE", 1), Unasked},
		"garbage":       {a.Slot, first, []byte("hello"), Malformed},
	} {
		if f := d.p.HeardFrom(d.now, c.slot, c.from, c.b, &d.out); len(f) > 0 || !slices.Equal(d.dropped(), []string{c.want}) {
			t.Errorf("%s: %v", name, f)
		}
	}
	if f := d.p.HeardFrom(d.now, a.Slot, first, reply(false, "ann", 9), &d.out); len(f) != 1 {
		t.Error("and the true one is not passed on")
	}
	a = d.ask(minimal(request(true, "HOME.EXAMPLE", 2)))
	f := d.p.HeardFrom(d.now, a.Slot, first, reply(true, "ann", MaxReply), &d.out)
	if len(f) != 1 || code(t, f[0]) != krb5.ErrResponseTooBig {
		t.Errorf("too long: %v", f)
	}
}

// KDCs are asked in turn; after GiveUp the node is told. Who answers is asked first the next time.
func TestSilence(t *testing.T) {
	d := newDesk(t)
	start := d.now.Mono
	asked := []netip.AddrPort{d.ask(minimal(request(false, "HOME.EXAMPLE", 1))).KDC}
	for {
		f := d.pass()
		if a, ok := f[0].(Ask); ok {
			asked = append(asked, a.KDC)
			continue
		}
		if code(t, f[0]) != krb5.ErrIAKERBKDCNoResponse || d.now.Mono.Sub(start) != GiveUp || d.p.View().UnderWay != 0 {
			t.Errorf("%v after %v", f, d.now.Mono.Sub(start))
		}
		break
	}
	if !slices.Equal(asked, []netip.AddrPort{first, second, first, second, first}) {
		t.Errorf("%v", asked)
	}
	a := d.ask(minimal(request(false, "HOME.EXAMPLE", 2)))
	d.pass()
	d.p.HeardFrom(d.now, a.Slot, second, reply(false, "ann", 9), &d.out)
	if a = d.ask(minimal(request(false, "HOME.EXAMPLE", 3))); a.KDC != second {
		t.Errorf("%v is asked first", a.KDC)
	}
}

// Streams serve what is too long for datagrams.
func TestStream(t *testing.T) {
	d := newDesk(t)
	b := request(false, "HOME.EXAMPLE", 1)
	a := d.ask(minimal(b))
	f := d.p.HeardFrom(d.now, a.Slot, first, refusal(krb5.ErrResponseTooBig), &d.out)
	a = f[0].(Ask)
	if !a.Stream || a.KDC != first || !bytes.Equal(a.Data, krb5.AppendFrame(nil, b)) {
		t.Fatalf("%+v", a)
	}
	answer := krb5.AppendFrame(nil, reply(false, "ann", 2000))
	if f = d.p.HeardStream(d.now, a.Slot, answer[:100], &d.out); len(f) > 0 {
		t.Errorf("%v", f)
	}
	if f = d.p.HeardStream(d.now, a.Slot, answer[100:], &d.out); len(f) != 2 || f[0] != Fact(Over{a.Slot}) {
		t.Errorf("%v", f)
	}
	big := krb5.KDCReq{TGS: true, PAData: krb5.List{{Type: krb5.PATGSReq, Data: make([]byte, MaxDatagram)}}, Body: krb5.KDCReqBody{Realm: "HOME.EXAMPLE", ETypes: []int32{20}}}
	if a = d.ask(minimal(big.Append(nil))); !a.Stream {
		t.Errorf("%+v", a)
	}
	if f = d.p.Lost(d.now, a.Slot, &d.out); len(f) != 1 || f[0].(Ask).KDC != second {
		t.Errorf("%v", f)
	}
	if f = d.p.Lost(d.now, a.Slot, &d.out); len(f) > 0 {
		t.Errorf("%v", f)
	}
	if f = d.p.HeardStream(d.now, a.Slot, []byte{255, 255, 255, 255}, &d.out); len(f) > 0 {
		t.Errorf("from a stream that has ended: %v", f)
	}
	d.pass()
	if f = d.p.HeardStream(d.now, a.Slot, []byte{255, 255, 255, 255}, &d.out); len(f) != 1 || !slices.Equal(d.dropped(), []string{Malformed}) {
		t.Errorf("%v", f)
	}
	if f = d.p.Gone(mn); len(f) != 1 || d.p.View().UnderWay != 0 {
		t.Errorf("%v", f)
	}
}

// A node has PerNode requests under way, and its rate; all have theirs.
func TestLimits(t *testing.T) { //spec FH-18
	d := newDesk(t)
	for i := range PerNode {
		d.ask(minimal(request(false, "HOME.EXAMPLE", uint32(i))))
	}
	if f := d.heard(minimal(request(false, "HOME.EXAMPLE", 0))); len(f) > 0 || !slices.Equal(d.dropped(), []string{Again}) {
		t.Errorf("the same again: %v", f)
	}
	if f := d.heard(minimal(request(false, "HOME.EXAMPLE", 99))); len(f) != 1 || code(t, f[0]) != krb5.ErrSvcUnavailable {
		t.Errorf("%v", f)
	}
	for range NodeBurst - PerNode - 2 {
		d.heard(nil)
	}
	d.dropped()
	if f := d.heard(minimal(request(false, "HOME.EXAMPLE", 98))); len(f) > 0 || !slices.Equal(d.dropped(), []string{TooOften}) {
		t.Errorf("%v", f)
	}
	d = newDesk(t)
	asked := 0
	for i := range 2 * Burst {
		asked += len(d.p.Heard(d.now, netip.MustParseAddr(fmt.Sprintf("fe80::%x", i+1)), minimal(request(false, "HOME.EXAMPLE", uint32(i))), &d.out))
	}
	if v := d.p.View(); v.UnderWay != Slots || asked != Burst || v.Nodes > Burst {
		t.Errorf("%+v, %d answered or asked", v, asked)
	}
	d = newDesk(t)
	for i := range MaxNodes + 50 {
		d.now.Mono = d.now.Mono.Add(time.Second / Rate)
		d.p.Heard(d.now, netip.MustParseAddr(fmt.Sprintf("fe80::%x", i+1)), nil, &d.out)
	}
	if v := d.p.View(); v.Nodes != MaxNodes {
		t.Errorf("%+v", v)
	}
	for _, c := range []Config{
		{Realms: []Realm{{"", []netip.AddrPort{first}}}}, {Realms: []Realm{{"A", nil}}}, {Realms: []Realm{{"A", make([]netip.AddrPort, 1)}}},
		{Realms: []Realm{{"A", []netip.AddrPort{first}}, {"A", []netip.AddrPort{first}}}}, {Realms: []Realm{{"A", slices.Repeat([]netip.AddrPort{first}, MaxKDCs+1)}}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// A slot rests as long as it can.
func TestSlotsRest(t *testing.T) {
	d := newDesk(t)
	last := Slot(-1)
	for i := range Slots {
		d.now.Mono = d.now.Mono.Add(time.Second)
		a := d.ask(minimal(request(false, "HOME.EXAMPLE", uint32(i))))
		if a.Slot != last+1 {
			t.Fatalf("slot %d after %d", a.Slot, last)
		}
		last = a.Slot
		d.p.HeardFrom(d.now, a.Slot, a.KDC, reply(false, "ann", 9), &d.out)
	}
}

// Whatever comes, slots are neither lost nor doubled, and all end.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t)
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			s := Slot(rapid.IntRange(0, 5).Draw(rt, "slot"))
			node := netip.MustParseAddr(fmt.Sprintf("fe80::%x", rapid.IntRange(1, 4).Draw(rt, "node")))
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0, 1:
				d.p.Heard(d.now, node, minimal(request(rapid.Bool().Draw(rt, "tgs"), "HOME.EXAMPLE", uint32(rapid.IntRange(0, 9).Draw(rt, "n")))), &d.out)
			case 2:
				d.p.HeardFrom(d.now, s, first, rapid.SampledFrom([][]byte{reply(false, "ann", 9), reply(true, "ann", 9), refusal(52), refusal(25)}).Draw(rt, "b"), &d.out)
			case 3:
				d.p.HeardStream(d.now, s, krb5.AppendFrame(nil, reply(false, "ann", 9)), &d.out)
			case 4:
				d.p.Lost(d.now, s, &d.out)
			case 5:
				d.p.Gone(node)
			case 6:
				d.now.Mono = d.now.Mono.Add(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "ms")) * time.Millisecond)
				d.p.Tick(d.now, &d.out)
			}
			used := 0
			for _, x := range d.p.slots {
				if x != nil {
					used++
				}
			}
			if used+len(d.p.free) != Slots || used != d.p.timers.Len() {
				rt.Fatalf("%d used, %d free, %d timers", used, len(d.p.free), d.p.timers.Len())
			}
		}
		d.now.Mono = d.now.Mono.Add(GiveUp)
		for range 3 {
			d.p.Tick(d.now, &d.out)
			d.now.Mono = d.now.Mono.Add(GiveUp)
		}
		if v := d.p.View(); v.UnderWay != 0 {
			rt.Fatalf("%+v", v)
		}
	})
}
