package kdc

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/store/subscriber/principal"
	"roam6/wire/krb5"
)

// world is KDCs with datagrams between them that take no time, and a database each.
type world struct {
	t    testing.TB
	now  engine.Now
	kdcs []*center
	lost func(d engine.Datagram) bool // nil: none are
	back [][]byte                     // what was told to clients since last asked
}

// center is a KDC of the world.
type center struct {
	*Server
	w       *world
	cfg     Config
	at      netip.AddrPort
	db      map[string]*principal.Principal
	broken  string // what the database says instead
	slow    []engine.Input
	hold    bool // results wait in slow
	queries int
	drops   map[string]int
	records map[string][]byte
	closed  []engine.Conn
	events  []engine.Event
}

const password = "correct horse"

var clientAt = netip.MustParseAddrPort("[2001:db8:c::1]:40000")

func newWorld(t testing.TB) *world {
	return &world{t: t, now: engine.Now{Mono: 1e9, Wall: time.Date(2026, 11, 22, 12, 0, 0, 250e6, time.UTC)}}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// add makes the KDC of a realm, with principals: its own, and those named. All have the key of the one password.
func (w *world) add(cfg Config, names ...string) *center {
	w.t.Helper()
	at := netip.AddrPortFrom(netip.MustParseAddr("2001:db8:88::").Next(), 88)
	for range w.kdcs {
		at = netip.AddrPortFrom(at.Addr().Next(), 88)
	}
	if cfg.Listen == nil {
		cfg.Listen = []netip.AddrPort{at}
	}
	c := &center{w: w, cfg: cfg, at: at, db: map[string]*principal.Principal{}, drops: map[string]int{}, records: map[string][]byte{}}
	for _, n := range append([]string{"krbtgt/" + cfg.Realm + "@" + cfg.Realm}, names...) {
		c.principal(n)
	}
	w.kdcs = append(w.kdcs, c)
	c.start()
	return c
}

func (c *center) start() {
	c.Server = must(New(c.cfg, [32]byte{byte(len(c.w.kdcs))}))
	var list []engine.Record
	for k, v := range c.records { //order:any
		list = append(list, engine.Record{Bucket: bucketReplay, Key: k, Value: v})
	}
	slices.SortFunc(list, func(a, b engine.Record) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	c.give(engine.Start{Records: list})
}

// principal enters one, or gives it again what a new one has.
func (c *center) principal(name string) *principal.Principal {
	p := must(principal.Fresh(name))
	p.Add(must(principal.FromPassword(name, 1, password, 1, keys.ETypes(), c.w.now.Wall))...)
	c.db[name] = p
	return p
}

func (c *center) give(in engine.Input) {
	for queue := []engine.Input{in}; len(queue) > 0; {
		var out engine.Effects
		c.Handle(c.w.now, queue[0], &out)
		queue = queue[1:]
		for _, e := range out.List {
			switch e := e.(type) {
			case engine.Query:
				c.queries++
				r := c.look(e)
				if c.hold {
					c.slow = append(c.slow, r)
				} else {
					queue = append(queue, r)
				}
			case engine.Datagram:
				c.w.carry(c, e)
			case engine.Write:
				c.w.back = append(c.w.back, bytes.Clone(e.Data))
			case engine.Close:
				c.closed = append(c.closed, e.Conn)
				queue = append(queue, engine.Closed{Conn: e.Conn, Reason: engine.ReasonClosed})
			case engine.Persist:
				if e.Value == nil {
					delete(c.records, e.Key)
				} else {
					c.records[e.Key] = e.Value
				}
			case engine.Event:
				if c.events = append(c.events, e); e.Name == engine.EventDrop {
					c.drops[e.Reason]++
				}
			}
		}
	}
}

func (c *center) look(q engine.Query) engine.Result {
	p := c.db[q.Key]
	switch {
	case q.Table != principal.Table:
		c.w.t.Fatalf("table %s", q.Table)
	case c.broken != "":
		return engine.Result{ID: q.ID, Err: c.broken}
	case p == nil:
		return engine.Result{ID: q.ID, Err: engine.ErrNotFound}
	}
	return engine.Result{ID: q.ID, Value: principal.Encode(p)}
}

// askPort is the port that the world gives to askName.
const askPort = 5000

func (w *world) carry(from *center, d engine.Datagram) {
	if w.lost != nil && w.lost(d) {
		return
	}
	data := bytes.Clone(d.Data)
	for _, c := range w.kdcs {
		if c.at.Addr() != d.Peer.Addr() {
			continue
		}
		name, port := "kdc/0 udp", uint16(88)
		if d.Peer.Port() == askPort {
			name = askName
		}
		if d.Name == askName {
			port = askPort
		}
		c.give(engine.Datagram{Name: name, Peer: netip.AddrPortFrom(from.at.Addr(), port), Local: c.at.Addr(), Data: data})
		return
	}
	w.back = append(w.back, data)
}

// sleep lets time go by.
func (w *world) sleep(d time.Duration) {
	until := w.now.Mono.Add(d)
	for {
		next, who := until, (*center)(nil)
		for _, c := range w.kdcs {
			if at, _ := c.Deadline(); at <= next {
				next, who = max(at, w.now.Mono), c
			}
		}
		w.now.Wall = w.now.Wall.Add(next.Sub(w.now.Mono))
		if w.now.Mono = next; who == nil {
			return
		}
		who.give(engine.Tick{})
	}
}

// ask sends a request over UDP and gives the one answer, nil if there is none.
func (c *center) ask(octets []byte) []byte {
	c.w.t.Helper()
	c.w.back = nil
	c.give(engine.Datagram{Name: "kdc/0 udp", Peer: clientAt, Local: c.at.Addr(), Data: bytes.Clone(octets)})
	if len(c.w.back) > 1 {
		c.w.t.Fatalf("%d answers", len(c.w.back))
	}
	if len(c.w.back) == 0 {
		return nil
	}
	return c.w.back[0]
}

// askTCP sends a request over a connection.
func (c *center) askTCP(octets []byte) []byte {
	c.w.t.Helper()
	c.w.back = nil
	const conn = 2
	if c.conns[conn] == nil {
		c.give(engine.Opened{Conn: conn, Listener: "kdc/0 tcp", From: c.at, To: clientAt})
	}
	for _, b := range krb5.AppendFrame(nil, octets) { // octet by octet
		c.give(engine.Stream{Conn: conn, Data: []byte{b}})
	}
	if len(c.w.back) != 1 {
		c.w.t.Fatalf("%d answers over TCP: %v", len(c.w.back), c.drops)
	}
	m, rest, err := krb5.NextFrame(c.w.back[0])
	if err != nil || len(rest) > 0 {
		c.w.t.Fatal(err, rest)
	}
	return m
}

func id(s string) krb5.Principal { return must(krb5.ParsePrincipal(s)) }

// keyOf is the key that the password gives to a principal.
func keyOf(name string, e keys.EType) keys.Key {
	return must(keys.StringToKey(e, password, id(name).Salt(), []byte{0, 0, 0, 1}))
}

// cred is a ticket and what its owner knows.
type cred struct {
	krb5.Ticket
	*krb5.EncKDCRepPart
	session keys.Key
	rep     *krb5.KDCRep
	octets  []byte // of the request
}

var nonces uint32

// asReq is an AS-REQ of a client that knows the password.
func (c *center) asReq(name string, e keys.EType, change ...func(*krb5.KDCReq)) []byte {
	nonces++
	p := id(name)
	q := &krb5.KDCReq{Body: krb5.KDCReqBody{Options: krb5.OptForwardable | krb5.OptRenewable, Client: p.Name, Realm: p.Realm, Server: krb5.TGS(p.Realm),
		Till: c.w.now.Wall.Add(8 * time.Hour), RenewTill: c.w.now.Wall.Add(48 * time.Hour), Nonce: nonces, ETypes: []int32{int32(e)}}}
	q.PAData = krb5.List{stamp(keyOf(name, e), c.w.now.Wall), {Type: krb5.PAReqEncPARep}}
	for _, f := range change {
		f(q)
	}
	return q.Append(nil)
}

// stamp is PA-ENC-TIMESTAMP.
func stamp(k keys.Key, at time.Time) krb5.Typed {
	enc := krb5.EncryptedData{EType: int32(k.EType()), Cipher: k.Encrypt(nil, keys.PAEncTimestamp, make([]byte, 16), krb5.PAEncTSEnc{Time: at}.Append(nil))}
	return krb5.Typed{Type: krb5.PAEncTimestamp, Data: enc.Append(nil)}
}

// lightly asks for a lightweight ticket.
func lightly(q *krb5.KDCReq) {
	q.PAData = append(q.PAData, krb5.Typed{Type: krb5.PALWKRB, Data: []byte{1}})
}

// read opens a reply, or gives the error that it is.
func (w *world) read(octets, answer []byte, k keys.Key, u keys.Usage) (*cred, *krb5.KRBError) {
	w.t.Helper()
	m, err := krb5.Parse(answer)
	if err != nil {
		w.t.Fatalf("%x: %v", answer, err)
	}
	if e, ok := m.(*krb5.KRBError); ok {
		return nil, e
	}
	rep := m.(*krb5.KDCRep)
	plain, err := k.Decrypt(nil, u, rep.Enc.Cipher)
	if err != nil {
		w.t.Fatal(err)
	}
	part := must(krb5.ParseEncKDCRepPart(plain))
	return &cred{rep.Ticket, part, must(keys.NewKey(keys.EType(part.Key.EType), part.Key.Value)), rep, octets}, nil
}

// as is a logon over TCP, where answers may be large.
func (c *center) as(name string, e keys.EType, change ...func(*krb5.KDCReq)) (*cred, *krb5.KRBError) {
	c.w.t.Helper()
	octets := c.asReq(name, e, change...)
	return c.w.read(octets, c.askTCP(octets), keyOf(name, e), keys.ASRepPart)
}

// logon is one that succeeds.
func (c *center) logon(name string, change ...func(*krb5.KDCReq)) *cred {
	c.w.t.Helper()
	x, e := c.as(name, keys.AES256SHA384, change...)
	if e != nil {
		c.w.t.Fatalf("%v: %s", e.Code, e.Text)
	}
	return x
}

// tgsReq is a TGS-REQ with a ticket. change works on the request before its checksum.
func (w *world) tgsReq(tgt *cred, client krb5.Principal, server string, change ...func(*krb5.KDCReq)) []byte {
	return w.tgsReqBy(tgt, krb5.Authenticator{Client: client, Time: w.now.Wall}, server, change...)
}

func (w *world) tgsReqBy(tgt *cred, auth krb5.Authenticator, server string, change ...func(*krb5.KDCReq)) []byte {
	nonces++
	p := id(server)
	q := &krb5.KDCReq{TGS: true, Body: krb5.KDCReqBody{Options: krb5.OptForwardable, Realm: p.Realm, Server: p.Name,
		Till: w.now.Wall.Add(8 * time.Hour), Nonce: nonces, ETypes: []int32{20, 19, 18, 17}}}
	for _, f := range change {
		f(q)
	}
	if auth.Checksum.IsZero() {
		auth.Checksum = krb5.Checksum{Type: tgt.session.EType().Checksum(), Sum: tgt.session.Checksum(nil, keys.TGSReqChecksum, q.Body.Octets())}
	}
	if auth.Seq == 0 {
		auth.Seq = nonces
	}
	ap := krb5.APReq{Ticket: tgt.Ticket, Authenticator: krb5.EncryptedData{EType: int32(tgt.session.EType()),
		Cipher: tgt.session.Encrypt(nil, keys.TGSReqAuth, make([]byte, 16), auth.Append(nil))}}
	q.PAData = append(krb5.List{{Type: krb5.PATGSReq, Data: ap.Append(nil)}}, q.PAData...)
	return q.Append(nil)
}

// tgs is a TGS exchange over TCP.
func (c *center) tgs(tgt *cred, client, server string, change ...func(*krb5.KDCReq)) (*cred, *krb5.KRBError) {
	c.w.t.Helper()
	octets := c.w.tgsReq(tgt, id(client), server, change...)
	return c.w.read(octets, c.askTCP(octets), tgt.session, keys.TGSRepPartSession)
}

func (c *center) ticket(tgt *cred, client, server string, change ...func(*krb5.KDCReq)) *cred {
	c.w.t.Helper()
	x, e := c.tgs(tgt, client, server, change...)
	if e != nil {
		c.w.t.Fatalf("%s: %v: %s", server, e.Code, e.Text)
	}
	return x
}

// inside opens a ticket as its server does.
func (w *world) inside(x *cred) krb5.EncTicketPart {
	w.t.Helper()
	k := keyOf(x.Ticket.Server.String(), keys.EType(x.Ticket.Enc.EType))
	return must(krb5.ParseEncTicketPart(must(k.Decrypt(nil, keys.TicketPart, x.Ticket.Enc.Cipher))))
}

func with(o krb5.KDCOptions) func(*krb5.KDCReq) {
	return func(q *krb5.KDCReq) { q.Body.Options |= o }
}
