package tickets

import (
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// A KDC that knows only the weaker of the client's keys says so; one that the client has no key for is told from silence.
func TestOtherKey(t *testing.T) {
	for etype, code := range map[keys.EType]krb5.ErrorCode{keys.AES128SHA1: 0, keys.AES128SHA256: krb5.ErrPreauthFailed} { //order:any
		d := newDesk(t, nil).start()
		k := d.kdcs[home]
		wants := krb5.AppendMethodData(nil, krb5.List{{Type: krb5.PAETypeInfo2, Data: krb5.AppendETypeInfo2(nil, []krb5.ETypeInfo{{EType: 3}, {EType: int32(etype)}})}})
		s := d.next()
		d.heard(s, k.no(must(krb5.ParseKDCReq(s.Data)), krb5.ErrPreauthFailed, wants))
		if code != 0 {
			d.pass()
			if f := d.failed(); f.Code != code {
				t.Errorf("%+v", f)
			}
			continue
		}
		s = d.next()
		q := must(krb5.ParseKDCReq(s.Data))
		q.Body.ETypes = []int32{int32(etype)}
		data, _ := q.PAData.Find(krb5.PAEncTimestamp)
		if must(krb5.ParseEncryptedData(data)).EType != int32(etype) {
			t.Error("the same key again")
		}
		d.heard(s, k.as(q, s.Data))
		d.granted()
	}
}

// Where no pre-authentication is wanted, the reply says how the key is made of the password.
func TestNoPreauthentication(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.Keys, c.Password = nil, pw }).start()
	k, s := d.kdcs[home], d.next()
	key := must(keys.StringToKey(keys.AES128SHA256, pw, "pinch", nil))
	q := must(krb5.ParseKDCReq(s.Data))
	part := &krb5.EncKDCRepPart{}
	tkt := krb5.EncTicketPart{Client: ann, Times: krb5.Times{Auth: epoch, End: epoch.Add(time.Hour)}}
	info := krb5.AppendETypeInfo2(nil, []krb5.ETypeInfo{{EType: 23}, {EType: int32(keys.AES128SHA256), Salt: "pinch", HasSalt: true}})
	k.asRep = func(r *krb5.KDCRep, _ *krb5.EncKDCRepPart) {
		r.PAData = krb5.List{{Type: krb5.PAETypeInfo2, Data: info}}
	}
	d.heard(s, k.issue(q, tkt, part, longTerm(ann, keys.AES256SHA1), q.Body.Server, key, keys.ASRepPart))
	d.granted()
}

// What depends on another realm's TGT never ends, although nobody wanted that one.
func TestHelperIsRenewed(t *testing.T) {
	d := newDesk(t, nil).start()
	d.want("mobileip/access.a.example@A.EXAMPLE")
	d.serve()
	d.last()
	for d.now.Mono < engine.Mono(0).Add(50*time.Hour) {
		d.pass()
		d.serve()
	}
	for _, f := range d.last() {
		if e, ok := f.(Ended); ok {
			t.Errorf("%v ended", e.Server)
		}
	}
	if n := len(d.kdcs["A.EXAMPLE"].asked); n > 8 {
		t.Errorf("%d requests in 50 hours", n)
	}
}

// No error can keep an exchange going without end.
func TestTooManyErrors(t *testing.T) {
	d := newDesk(t, nil).start().serve()
	d.last()
	d.want(router)
	n := 0
	for ; len(d.sends) > 0; n++ {
		s := d.next()
		d.heard(s, no(s, krb5.ErrRepeat, epoch))
	}
	if got := d.dropped(); n != MaxTurns+1 || !slices.Contains(got, TooMany) {
		t.Errorf("%d requests, %q", n, got)
	}
}

// A ticket cannot last longer than that by which it was asked for.
func TestLongerThanTGT(t *testing.T) {
	d := newDesk(t, func(c *Config) { c.Life = 20 * time.Hour })
	d.start().serve() // the KDC gives 10 hours
	d.last()
	d.want(router)
	d.kdcs[home].asRep = func(r *krb5.KDCRep, p *krb5.EncKDCRepPart) { p.Times.End = p.Times.End.Add(time.Hour) }
	s := d.next()
	if d.heard(s, d.ask(s)); !slices.Equal(d.dropped(), []string{WrongTimes}) {
		t.Error("it is taken")
	}
}

// Who wants a ticket at once is told at once that there is no TGT to get it by.
func TestUserToUserWithoutTGT(t *testing.T) {
	mn := newDesk(t, nil).start().serve()
	tgt := mn.granted()
	d := newDesk(t, nil).start()
	for d.state(tgtHome).State != Resting {
		d.pass()
	}
	d.last()
	facts, name := d.c.UserToUser(d.now, ann.Name, tgt.Ticket, &d.out)
	d.took(facts)
	if f := d.failed(); f.Want != name || f.Again != 0 || f.Code != krb5.ErrIAKERBKDCNoResponse || !strings.Contains(f.Why, "no krbtgt/HOME.EXAMPLE: ") {
		t.Errorf("%+v", f)
	}
	if len(d.c.View().Tickets) != 1 {
		t.Errorf("%+v", d.c.View())
	}
}

// A TGT that only another ticket needed is not renewed: it ends, and is fetched when it is needed again.
func TestHelperEnds(t *testing.T) {
	d := newDesk(t, nil).start()
	const far, tgt = "mobileip/access.a.example@A.EXAMPLE", "krbtgt/A.EXAMPLE@HOME.EXAMPLE"
	d.want(far)
	d.serve()
	d.took(d.c.Unwant(d.now, must(krb5.ParsePrincipal(far)), &d.out))
	before := len(d.kdcs[home].asked)
	for d.now.Mono < engine.Mono(0).Add(11*time.Hour) {
		d.pass()
		d.serve()
	}
	for _, q := range d.kdcs[home].asked[before:] {
		if q.Body.Server.TGSRealm() == "A.EXAMPLE" {
			t.Error("it is renewed")
		}
	}
	if got := d.state(tgt); got.State != Idle {
		t.Errorf("%+v", got)
	}
	d.want(far)
	d.serve()
	if len(d.c.Tickets(d.now)) != 3 {
		t.Errorf("%+v", d.c.View())
	}
	for i := len(d.c.wants); i < MaxWants; i++ { // a helper that nobody needs makes room
		d.c.add(krb5.Principal{Name: krb5.MakeName("x"), Realm: home})
	}
	d.c.become(d.c.wanted(must(krb5.ParsePrincipal(tgt))), Waiting)
	d.c.become(d.c.wanted(must(krb5.ParsePrincipal(tgt))), Idle)
	if d.want("mobileip/last@HOME.EXAMPLE"); len(d.c.wants) != MaxWants {
		t.Errorf("%d", len(d.c.wants))
	}
}

// Whatever octets come by whatever way: no panic, and nothing is granted.
func FuzzHeard(f *testing.F) {
	d := newDesk(f, nil).start()
	s := d.next()
	b := d.ask(s)
	f.Add(uint8(0), b[:len(b)-1])
	f.Add(uint8(1), krb5.AppendFrame(nil, no(s, krb5.ErrSkew, epoch)))
	f.Add(uint8(2), krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCRep, Message: no(s, krb5.ErrPreauthRequired, epoch)}.Append(nil))
	f.Fuzz(func(t *testing.T, way uint8, b []byte) {
		d := newDesk(t, func(c *Config) { c.Realms[0].KDCs[0].Stream = way%3 == 1 })
		if way%3 == 2 {
			d.c.way = Proxy
		}
		s := d.start().next()
		switch s.Way {
		case Datagram:
			d.took(d.c.HeardFrom(d.now, s.KDC, b, &d.out))
		case Stream:
			d.took(d.c.HeardStream(d.now, s.Exchange, b, &d.out))
		case Proxy:
			d.took(d.c.HeardToken(d.now, b, &d.out))
		}
		for _, f := range d.facts {
			if _, ok := f.(Granted); ok {
				t.Error("granted")
			}
		}
	})
}
