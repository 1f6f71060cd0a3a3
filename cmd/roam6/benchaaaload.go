package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"roam6/wire/diameter"
)

// What the load of bench aaa is made of.
const (
	aaaPatience = 20 * time.Second // for a relay to take its peers, and to answer
	aaaRealm    = "home.example"   // of the server that answers
	aaaSilent   = "gone.example"   // of the one that does not
	aaaRelay    = "relay.transit.example"
	aaaTransit  = "transit.example"
)

// aaaSizes are the octets of the requests, one after the other.
var aaaSizes = []int{300, 600, 900, 1200, 1500}

// aaaHost is the Diameter identity of a client.
func aaaHost(i int) string { return fmt.Sprintf("ar%d.a.example", i+1) }

// aaaRequests are requests of a client for a realm, one of each size.
func aaaRequests(client, realm string) (list [][]byte) {
	for _, size := range aaaSizes {
		var b diameter.Builder
		b.Request(diameter.AARegistration, diameter.AppMobileIPv6AAA, diameter.Proxiable)
		b.Text(diameter.SessionID, client+";1;1").Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA)
		b.Text(diameter.OriginHost, client).Text(diameter.OriginRealm, "a.example").Text(diameter.DestinationRealm, realm)
		b.Bytes(diameter.MIPBindingUpdate, make([]byte, (size-len(b.Done())-12)&^3))
		list = append(list, bytes.Clone(b.Done()))
	}
	return list
}

// aaaPeer is one connection of the load with a relay.
type aaaPeer struct {
	host, realm string
	conn        net.Conn
	serves      bool
	silent      atomic.Bool // it takes what comes and says nothing
	write       sync.Mutex
	open        chan struct{} // closed when capabilities are exchanged

	requests [][]byte
	next     int
	hop      uint32
	sent     map[uint32]time.Time // nil: times are not noted
	took     []time.Duration
	answers  *atomic.Int64
	wrong    *atomic.Int64
	stopped  *atomic.Bool
	out      []byte
	answer   []byte
}

// describe adds what a CER and a CEA have.
func (p *aaaPeer) describe(b *diameter.Builder) []byte {
	b.Addr(diameter.HostIPAddress, p.conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr()).Uint32(diameter.VendorID, diameter.VendorRoam6).Text(diameter.ProductName, "load")
	return bytes.Clone(b.Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).Done())
}

// dialAAA connects a client and sends its CER.
func dialAAA(port int, host string) (*aaaPeer, error) {
	conn, err := net.Dial("tcp6", loopback6(port))
	if err != nil {
		return nil, err
	}
	p := &aaaPeer{host: host, realm: "a.example", conn: conn, open: make(chan struct{})}
	var b diameter.Builder
	b.Request(diameter.CapabilitiesExchange, diameter.AppBase, 0).Text(diameter.OriginHost, host).Text(diameter.OriginRealm, p.realm)
	_, err = conn.Write(p.describe(&b))
	return p, err
}

func loopback6(port int) string { return fmt.Sprintf("[::1]:%d", port) }

// read lives as long as the connection does.
func (p *aaaPeer) read() error {
	buf, have := make([]byte, 256<<10), 0
	for {
		n, err := p.conn.Read(buf[have:])
		if err != nil {
			return err
		}
		if p.silent.Load() {
			continue
		}
		have += n
		rest := buf[:have]
		p.write.Lock()
		p.out = p.out[:0]
		for {
			raw, more, err := diameter.Next(rest, 0)
			if err != nil {
				p.write.Unlock()
				return err
			}
			if raw == nil {
				break
			}
			p.take(raw)
			rest = more
		}
		if len(p.out) > 0 {
			_, err = p.conn.Write(p.out)
		}
		p.write.Unlock()
		if err != nil {
			return err
		}
		have = copy(buf, rest)
	}
}

// take answers a message, or counts an answer and asks again.
func (p *aaaPeer) take(raw []byte) {
	h, err := diameter.ParseHeader(raw)
	if err != nil {
		p.wrong.Add(1)
		return
	}
	switch {
	case h.IsRequest() && h.Command == diameter.AARegistration && p.serves:
		if p.answer == nil {
			p.answer = aaaAnswer(raw, p.host, p.realm)
		}
		at := len(p.out)
		p.out = append(p.out, p.answer...)
		diameter.SetHopByHop(p.out[at:], h.HopByHop)
		diameter.SetEndToEnd(p.out[at:], h.EndToEnd)
	case h.IsRequest():
		m, _ := diameter.Parse(raw)
		var b diameter.Builder
		b.Reply(m, diameter.Success, p.host, p.realm)
		if h.Command == diameter.CapabilitiesExchange {
			p.out = append(p.out, p.describe(&b)...)
			p.opened()
			return
		}
		p.out = append(p.out, b.Done()...)
	case h.Command == diameter.CapabilitiesExchange:
		p.opened()
	case h.Command == diameter.AARegistration:
		if h.Flags&diameter.ErrorBit != 0 {
			p.wrong.Add(1)
		} else {
			p.answers.Add(1)
		}
		if at, ok := p.sent[h.HopByHop]; ok {
			p.took = append(p.took, time.Since(at))
			delete(p.sent, h.HopByHop)
		} else if p.sent == nil && !p.stopped.Load() {
			p.ask()
		}
	}
}

func (p *aaaPeer) opened() {
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

// aaaAnswer is the server's answer.
func aaaAnswer(raw []byte, host, realm string) []byte {
	m, err := diameter.Parse(raw)
	must(err)
	var b diameter.Builder
	b.Reply(m, diameter.Success, host, realm).Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).Uint32(diameter.SessionTimeout, 3600)
	return bytes.Clone(b.Done())
}

// ask puts the next request behind what is to be written.
func (p *aaaPeer) ask() {
	r := p.requests[p.next%len(p.requests)]
	p.next++
	p.hop++
	at := len(p.out)
	p.out = append(p.out, r...)
	diameter.SetHopByHop(p.out[at:], p.hop)
	diameter.SetEndToEnd(p.out[at:], p.hop)
	if p.sent != nil {
		p.sent[p.hop] = time.Now()
	}
}

// begin sends so many requests at once.
func (p *aaaPeer) begin(n int) error {
	p.write.Lock()
	defer p.write.Unlock()
	p.out = p.out[:0]
	for range n {
		p.ask()
	}
	_, err := p.conn.Write(p.out)
	return err
}

// aaaLoad is clients and servers around a relay.
type aaaLoad struct {
	clients        []*aaaPeer
	servers        []*aaaPeer
	answers, wrong atomic.Int64
	stopped        atomic.Bool
	running        sync.WaitGroup
	closing        []io.Closer
}

// serve listens for the relay, which dials its servers.
func (l *aaaLoad) serve(host, realm string) (port int, err error) {
	listener, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return 0, err
	}
	p := &aaaPeer{host: host, realm: realm, serves: true, open: make(chan struct{}), answers: &l.answers, wrong: &l.wrong, stopped: &l.stopped}
	l.servers = append(l.servers, p)
	l.closing = append(l.closing, listener)
	l.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.conn = conn
			_ = p.read()
			conn.Close()
		}
	})
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// connect adds clients until there are so many, and waits until the relay has taken them. A relay that has just started listens a moment later.
func (l *aaaLoad) connect(port, n int) error {
	late := time.Now().Add(aaaPatience)
	for len(l.clients) < n {
		p, err := dialAAA(port, aaaHost(len(l.clients)))
		if err != nil {
			if time.Now().After(late) {
				return err
			}
			time.Sleep(20 * time.Millisecond)
			continue
		}
		p.answers, p.wrong, p.stopped, p.requests = &l.answers, &l.wrong, &l.stopped, aaaRequests(p.host, aaaRealm)
		l.clients = append(l.clients, p)
		l.closing = append(l.closing, p.conn)
		l.running.Go(func() { _ = p.read() })
	}
	for _, p := range append(slices.Clone(l.clients), l.servers...) {
		select {
		case <-p.open:
		case <-time.After(time.Until(late)):
			return fmt.Errorf("the relay has no connection with %s within %v", p.host, aaaPatience)
		}
	}
	return nil
}

// close ends all connections.
func (l *aaaLoad) close() {
	for _, c := range l.closing {
		_ = c.Close()
	}
	for _, p := range l.servers {
		select {
		case <-p.open:
			_ = p.conn.Close()
		default:
		}
	}
	l.running.Wait()
}

// press keeps window requests under way, at least one a client, for a time, and counts the answers in it. Before it returns all have been answered.
func (l *aaaLoad) press(window int, during func() error) (answers int64, took time.Duration, err error) {
	l.stopped.Store(false)
	before := l.answers.Load() + l.wrong.Load()
	for _, p := range l.clients {
		if err := p.begin(max(1, window/len(l.clients))); err != nil {
			return 0, 0, err
		}
	}
	time.Sleep(aaaWarm)
	began, first := time.Now(), l.answers.Load()
	err = during()
	answers, took = l.answers.Load()-first, time.Since(began)
	l.stopped.Store(true)
	for late := time.Now().Add(aaaPatience); ; time.Sleep(time.Millisecond) {
		sent := int64(0)
		for _, p := range l.clients {
			p.write.Lock()
			sent += int64(p.hop)
			p.write.Unlock()
		}
		if sent == l.total() {
			break
		}
		if time.Now().After(late) {
			return 0, 0, errors.Join(err, fmt.Errorf("%d of %d requests were not answered", sent-l.total(), sent))
		}
	}
	if n := l.wrong.Load(); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d answers were errors", n, l.total()-before))
	}
	return answers, took, err
}

func (l *aaaLoad) total() int64 { return l.answers.Load() + l.wrong.Load() }
