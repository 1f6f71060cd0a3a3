package ar

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/engine"
	"roam6/machine/advertise"
	"roam6/machine/iakerb"
	"roam6/plane"
	"roam6/wire/ip6"
	"roam6/wire/krb5"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

var (
	kdcAt = netip.MustParseAddrPort("[2001:db8:9::88]:88")
	mnHW  = plane.HW{2, 0, 0, 0, 5, 1}
	mnLL  = ip6.LinkLocal(mnHW)
)

func kerberosConfig() *Kerberos {
	return &Kerberos{Principal: "mobileip/ar1.a.example@A.EXAMPLE", Shared: "mobileip/access.a.example@A.EXAMPLE", Proxy: true, Adjacent: []string{"B.EXAMPLE", "A.EXAMPLE"},
		Realms: []iakerb.Realm{{Name: "A.EXAMPLE", KDCs: []netip.AddrPort{kdcAt}}},
		Keys: []KerberosKey{{"mobileip/ar1.a.example@A.EXAMPLE", 1, 17, make([]byte, 16)}, {"mobileip/access.a.example@A.EXAMPLE", 1, 20, make([]byte, 32)},
			{"mobileip/ar1.a.example@A.EXAMPLE", 2, 17, make([]byte, 16)}}}
}

// desk is a router with Kerberos on a desk.
type desk struct {
	r   *Router
	now engine.Now
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	link := advertise.Config{Port: 1, Prefix: netip.MustParsePrefix("2001:db8:a:1::/64"), IntervalMin: 100 * time.Second, IntervalMax: 200 * time.Second,
		Lifetime: time.Hour, DelayMax: 100 * time.Millisecond, Valid: time.Hour, Preferred: time.Hour}
	r, err := New(Config{Links: []advertise.Config{link}, Kerberos: kerberosConfig()}, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{r: r}
	d.now.Wall = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d.do(engine.Start{})
	d.do(engine.LinkUp{Port: 1, HW: hw, MTU: 1500})
	return d
}

func (d *desk) do(in engine.Input) []engine.Effect {
	var out engine.Effects
	d.r.Handle(d.now, in, &out)
	return out.List
}

// hear gives the router a message of neighbour discovery.
func (d *desk) hear(src, dst netip.Addr, m nd.Message) []engine.Effect {
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: src, Dst: dst}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, src, dst, m)
	return d.do(engine.Packet{Port: 1, From: mnHW, Data: p.Append(nil)})
}

// said is the first message of neighbour discovery to the mobile node with suboptions, nil if there is none.
func said(t *testing.T, list []engine.Effect) *subopt.Handover {
	t.Helper()
	for _, e := range list {
		s, ok := e.(engine.Send)
		if !ok || s.To != mnHW {
			continue
		}
		p, err := ip6.Parse(s.Data)
		if err != nil {
			t.Fatal(err)
		}
		m, err := nd.Parse(p.Src, p.Dst, p.HopLimit, p.Payload)
		if err != nil || p.Src != ip6.LinkLocal(hw) {
			t.Fatal(p.Src, err)
		}
		switch m := m.(type) {
		case *nd.RouterAdvertisement:
			return m.Options.Handover
		case *nd.NeighborAdvertisement:
			return m.Options.Handover
		}
	}
	return nil
}

// Who asks is told the realms around, the router's own first; who has no address is not, nor is a flood answered.
func TestRealmsTold(t *testing.T) { //spec FH-17 RT-40
	d := newDesk(t)
	rs := func(src netip.Addr, h *subopt.Handover) *subopt.Handover {
		return said(t, d.hear(src, ip6.AllRouters, &nd.RouterSolicitation{Options: nd.Options{Handover: h}}))
	}
	if h := rs(mnLL, &subopt.Handover{RealmsWanted: true}); h == nil || !slices.Equal(h.Realms, []string{"A.EXAMPLE", "B.EXAMPLE"}) {
		t.Errorf("%+v", h)
	}
	if h := rs(mnLL, nil); h != nil {
		t.Errorf("unasked: %+v", h)
	}
	if h := rs(netip.IPv6Unspecified(), &subopt.Handover{RealmsWanted: true}); h != nil {
		t.Errorf("nobody is told %+v", h)
	}
	told := 0
	for range 100 {
		if rs(mnLL, &subopt.Handover{RealmsWanted: true}) != nil {
			told++
		}
	}
	if told >= 2*RealmsBurst {
		t.Errorf("%d answers at once", told)
	}
}

// asReq is a logon in a token.
func asReq(nonce uint32) (request, token []byte) {
	q := krb5.KDCReq{Body: krb5.KDCReqBody{Client: krb5.MakeName("ann"), Realm: "A.EXAMPLE", Server: krb5.TGS("A.EXAMPLE"), Nonce: nonce,
		Till: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), ETypes: []int32{20}}}
	request = q.Append(nil)
	return request, krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCReq, Message: request}.Append(nil)
}

// A token goes to the KDC of its realm by a port of its own, and the answer of that, and of nobody else, back to the node. What is for others, from
// nobody, or no token, goes nowhere.
func TestTokens(t *testing.T) { //spec RT-30
	d := newDesk(t)
	request, token := asReq(1)
	ns := func(src, dst, target netip.Addr, octets []byte) []engine.Effect {
		return d.hear(src, dst, &nd.NeighborSolicitation{Target: target, Options: nd.Options{SourceHW: mnHW, Handover: &subopt.Handover{Kerberos: octets}}})
	}
	self := ip6.LinkLocal(hw)
	asked := func(list []engine.Effect) (d engine.Datagram, ok bool) {
		for _, e := range list {
			if d, ok := e.(engine.Datagram); ok {
				return d, true
			}
		}
		return d, false
	}
	for _, x := range [][]engine.Effect{ns(mnLL, self, mnLL, token), ns(mnLL, ip6.SolicitedNode(self), self, token), ns(mnLL, self, self, []byte{0x60, 0})} {
		if a, ok := asked(x); ok {
			t.Errorf("passed on: %+v", a)
		}
	}
	list := ns(mnLL, self, self, token)
	a, ok := asked(list)
	if !ok || a.Peer != kdcAt || !bytes.Equal(a.Data, request) || !slices.ContainsFunc(list, func(e engine.Effect) bool { b, ok := e.(engine.Bind); return ok && b.Name == a.Name }) {
		t.Fatalf("%+v", list)
	}
	no := krb5.KRBError{ServerTime: d.now.Wall, Code: krb5.ErrPreauthRequired, Server: krb5.Principal{Name: krb5.TGS("A.EXAMPLE"), Realm: "A.EXAMPLE"}}
	refusal := no.Append(nil)
	if h := said(t, d.do(engine.Datagram{Name: a.Name, Peer: netip.MustParseAddrPort("[2001:db8:9::66]:88"), Data: bytes.Clone(refusal)})); h != nil {
		t.Errorf("a stranger's answer: %+v", h)
	}
	h := said(t, d.do(engine.Datagram{Name: a.Name, Peer: kdcAt, Data: bytes.Clone(refusal)}))
	if h == nil {
		t.Fatal("no answer")
	}
	back, err := krb5.ParseToken(h.Kerberos)
	if err != nil || back.ID != krb5.TokenKDCRep || !bytes.Equal(back.Message, refusal) {
		t.Errorf("%+v %v", back, err)
	}
	if v := d.r.View().(View).Kerberos.Proxy; v.Counts.Passed != 1 || v.Counts.Replies != 1 || v.UnderWay != 0 {
		t.Errorf("%+v", v)
	}
}

// A KDC that does not answer is asked a few times, and the node told so; what is too long for a datagram goes by a connection, which is written to when it is
// open.
func TestTokenWays(t *testing.T) { //spec RT-30
	d := newDesk(t)
	self := ip6.LinkLocal(hw)
	send := func(token []byte) []engine.Effect {
		return d.hear(mnLL, self, &nd.NeighborSolicitation{Target: self, Options: nd.Options{Handover: &subopt.Handover{Kerberos: token}}})
	}
	_, token := asReq(2)
	send(token)
	tries, told := 1, false
	for range 20 {
		at, _ := d.r.Deadline()
		if at > engine.Mono(5*time.Second) || told {
			break
		}
		d.now.Mono = max(at, d.now.Mono)
		list := d.do(engine.Tick{})
		told = told || said(t, list) != nil
		for _, e := range list {
			if _, ok := e.(engine.Datagram); ok {
				tries++
			}
		}
	}
	if !told || tries < 2 || tries > 8 {
		t.Errorf("told %v after %d tries", told, tries)
	}
	d.now.Mono = d.now.Mono.Add(time.Minute)
	q := krb5.KDCReq{Body: krb5.KDCReqBody{Client: krb5.MakeName("ann"), Realm: "A.EXAMPLE", Server: krb5.TGS("A.EXAMPLE"), Nonce: 3,
		Till: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), ETypes: []int32{20}}, PAData: krb5.List{{Type: 99, Data: make([]byte, iakerb.MaxDatagram)}}}
	request := q.Append(nil)
	list := send(krb5.Token{Mech: krb5.MechProxy, ID: krb5.TokenKDCReq, Message: request}.Append(nil))
	var conn engine.Conn
	for _, e := range list {
		if x, ok := e.(engine.Dial); ok {
			conn = x.Conn
		}
		if _, ok := e.(engine.Write); ok {
			t.Error("written before it is open")
		}
	}
	if conn == 0 || !conn.Dialled() {
		t.Fatalf("%+v", list)
	}
	list = d.do(engine.Opened{Conn: conn, To: kdcAt})
	if len(list) != 1 || !bytes.Equal(list[0].(engine.Write).Data, krb5.AppendFrame(nil, request)) {
		t.Errorf("%+v", list)
	}
	if said(t, d.do(engine.Closed{Conn: conn, Reason: engine.ReasonReset})) != nil {
		t.Error("an answer by a connection that broke")
	}
}

// Keys: each principal's newest first, its own first; whoever lacks one is told, and no key is printed.
func TestKerberosKeys(t *testing.T) {
	c := kerberosConfig()
	list, err := c.Entries()
	if err != nil || len(list) != 3 || list[0].KVNO != 2 || list[2].Principal.String() != c.Shared {
		t.Errorf("%v %v", list, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", *c, *c, c.Keys[0]); strings.Contains(text, "0 0 0") || !strings.Contains(text, "[key]") {
		t.Error(text)
	}
	c.Keys = c.Keys[:1]
	if _, err := c.Entries(); err == nil || !strings.Contains(err.Error(), c.Shared) {
		t.Errorf("%v", err)
	}
}
