package tcp

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	left, right = netip.MustParseAddr("2001:db8::a"), netip.MustParseAddr("2001:db8::b")
	ms          = time.Millisecond
)

// flight is a segment on its way.
type flight struct {
	at   time.Duration
	to   int
	wire []byte
}

// pair is two ends and a network between them. Conns: 0 dialled, 1 accepted.
type pair struct {
	t     interface{ Fatalf(string, ...any) }
	now   time.Duration
	ends  [2]*Conn
	way   []flight
	facts [2]Fact
	got   [2][]byte
	sent  int
	delay time.Duration
	fate  func(n int, to int, s *Segment) (copies int, more time.Duration)
}

func newPair(t interface{ Fatalf(string, ...any) }) *pair {
	p := &pair{t: t, delay: 10 * ms}
	p.ends[0] = Dial(0, 40000, 3868, 1<<32-100, 1500)
	p.poll(0)
	return p
}

func (p *pair) poll(k int) {
	p.ends[k].Poll(p.now, func(s *Segment) {
		from, to := left, right
		if k == 1 {
			from, to = to, from
		}
		copies, more := 1, time.Duration(0)
		if p.fate != nil {
			copies, more = p.fate(p.sent, 1-k, s)
		}
		p.sent++
		for range copies {
			p.way = append(p.way, flight{p.now + p.delay + more, 1 - k, s.Append(nil, from, to)})
		}
	})
}

func (p *pair) note(k int, f Fact) {
	p.facts[k] |= f
	p.got[k] = append(p.got[k], p.ends[k].Read()...)
	p.poll(k)
}

// run lets time pass; false when nothing will happen any more.
func (p *pair) run(until time.Duration) {
	for {
		at, k := until+1, -1
		for i, e := range p.ends {
			if e != nil && e.Deadline() < at {
				at, k = e.Deadline(), i
			}
		}
		next := -1
		for i, f := range p.way {
			if f.at < at || f.at == at && next < 0 && f.at <= until {
				at, next = f.at, i
			}
		}
		if at > until {
			p.now = until
			return
		}
		p.now = max(p.now, at)
		if next < 0 {
			p.note(k, p.ends[k].Timer(p.now))
			continue
		}
		f := p.way[next]
		p.way = slices.Delete(p.way, next, next+1)
		p.arrive(f)
	}
}

func (p *pair) arrive(f flight) {
	from, to := left, right
	if f.to == 0 {
		from, to = to, from
	}
	s, err := Parse(f.wire, from, to)
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	if p.ends[f.to] == nil {
		if s.Flags != SYN {
			return
		}
		p.ends[1] = Accept(p.now, &s, 7, 1400)
		p.poll(1)
		return
	}
	p.note(f.to, p.ends[f.to].Receive(p.now, &s))
}

func (p *pair) write(k int, b []byte) {
	p.ends[k].Write(b)
	p.poll(k)
}

func octets(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
	return b
}

func TestExchange(t *testing.T) {
	p := newPair(t)
	p.run(time.Second)
	if p.facts != [2]Fact{Connected, Connected} || p.ends[0].MaxSegment() != 1340 || p.ends[1].MaxSegment() != 1340 {
		t.Fatalf("facts %v, segments %d and %d", p.facts, p.ends[0].MaxSegment(), p.ends[1].MaxSegment())
	}
	up, down := octets(300_000, 1), octets(70_000, 2)
	p.write(0, up)
	p.write(1, down)
	p.run(5 * time.Second)
	if !bytes.Equal(p.got[1], up) || !bytes.Equal(p.got[0], down) {
		t.Fatalf("%d and %d octets came", len(p.got[1]), len(p.got[0]))
	}
	p.ends[0].Finish()
	p.poll(0)
	p.run(6 * time.Second)
	p.ends[1].Abandon(p.now, 0)
	p.poll(1)
	p.run(7 * time.Second)
	if p.facts[0]&Finished == 0 || p.facts[1]&Finished == 0 || !p.ends[1].Dead() || p.ends[0].Dead() {
		t.Fatalf("facts %v, dead %v %v", p.facts, p.ends[0].Dead(), p.ends[1].Dead())
	}
	p.run(7*time.Second + TimeWait)
	if !p.ends[0].Dead() {
		t.Error("TIME-WAIT never ends")
	}
}

// Whatever is lost, doubled and overtaken: what was written arrives, once and in order.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loss, twice, late := rapid.IntRange(0, 25).Draw(t, "loss"), rapid.IntRange(0, 20).Draw(t, "duplicates"), rapid.IntRange(0, 30).Draw(t, "late")
		draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		p := &pair{t: t, delay: 10 * ms}
		p.fate = func(int, int, *Segment) (int, time.Duration) {
			copies := 1
			switch n := draw.IntN(100); {
			case n < loss:
				copies = 0
			case n < loss+twice:
				copies = 2
			}
			if draw.IntN(100) < late {
				return copies, time.Duration(draw.IntN(60)) * ms
			}
			return copies, 0
		}
		p.ends[0] = Dial(0, 40000, 3868, rapid.Uint32().Draw(t, "iss"), 1500)
		p.poll(0)
		p.run(20 * time.Second)
		if p.facts[0]&Connected == 0 {
			return // seven SYNs lost
		}
		var wrote [2][]byte
		for range rapid.IntRange(1, 12).Draw(t, "writes") {
			k := rapid.IntRange(0, 1).Draw(t, "end")
			b := octets(rapid.SampledFrom([]int{1, 100, 1340, 5000, 40_000}).Draw(t, "size"), byte(len(wrote[k])))
			if p.ends[k].Dead() {
				return
			}
			wrote[k] = append(wrote[k], b...)
			p.write(k, b)
			p.run(p.now + time.Duration(rapid.IntRange(0, 300).Draw(t, "pause"))*ms)
		}
		p.ends[0].Finish()
		p.ends[1].Finish()
		p.poll(0)
		p.poll(1)
		p.run(p.now + 10*time.Minute)
		for k := range p.ends {
			if p.facts[0]|p.facts[1] == Connected|Finished && !bytes.Equal(p.got[k], wrote[1-k]) || !bytes.HasPrefix(wrote[1-k], p.got[k]) {
				t.Fatalf("%d octets of %d came, facts %v", len(p.got[k]), len(wrote[1-k]), p.facts)
			}
			if !p.ends[k].Dead() {
				t.Fatalf("end %d lives for ever", k)
			}
		}
	})
}

// A single loss in a full window is repaired within a time there and back, without the timer.
func TestFastRetransmit(t *testing.T) {
	p := newPair(t)
	p.run(time.Second)
	p.write(0, octets(200_000, 1))
	p.run(2 * time.Second)
	lost, begun := false, p.now
	p.fate = func(_, to int, s *Segment) (int, time.Duration) {
		if to == 1 && !lost && len(s.Data) > 0 {
			lost = true
			return 0, 0
		}
		return 1, 0
	}
	p.write(0, octets(50_000, 2))
	for len(p.got[1]) < 250_000 && p.now < 5*time.Second {
		p.run(p.now + ms)
	}
	if took := p.now - begun; !lost || took > MinRTO {
		t.Errorf("repaired after %v", took)
	}
}

// Timers: first SYN again after 1, 2, 4 s; octets without an answer are given up after UserTimeout, silence as well.
func TestPatience(t *testing.T) {
	var syns []time.Duration
	mute := false
	p := newPair(t)
	p.way = nil
	p.fate = func(_, _ int, s *Segment) (int, time.Duration) {
		if s.Flags == SYN {
			syns = append(syns, p.now)
			return 0, 0
		}
		return 1, 0
	}
	p.run(8 * time.Second)
	if want := []time.Duration{time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(syns, want) {
		t.Errorf("SYNs at %v, want %v", syns, want)
	}
	for name, write := range map[string]bool{"octets": true, "nothing": false} { //order:any
		p := newPair(t)
		p.run(time.Second)
		mute = true
		p.fate = func(_, _ int, _ *Segment) (int, time.Duration) {
			if mute {
				return 0, 0
			}
			return 1, 0
		}
		begun := p.now
		if write {
			p.write(0, []byte("hello"))
		}
		for p.facts[0]&TimedOut == 0 && p.now < 3*time.Minute {
			p.run(p.now + 10*ms)
		}
		if took := p.now - begun; took < UserTimeout-time.Second || took > UserTimeout+time.Second {
			t.Errorf("%s: given up after %v", name, took)
		}
	}
}

// An idle connection lives as long as the peer's kernel answers.
func TestKeepalive(t *testing.T) {
	p := newPair(t)
	p.run(time.Hour)
	if p.facts != [2]Fact{Connected, Connected} {
		t.Errorf("facts %v", p.facts)
	}
}

// A path that carries less than the links at its ends: the same octets go in smaller segments.
func TestTooBig(t *testing.T) {
	p := newPair(t)
	p.run(time.Second)
	p.fate = func(_, _ int, s *Segment) (int, time.Duration) {
		if len(s.Data) > 1240-20 {
			return 0, 0
		}
		return 1, 0
	}
	want := octets(20_000, 3)
	p.write(0, want)
	p.ends[0].TooBig(1280)
	p.poll(0)
	p.run(p.now + 100*ms)
	if !bytes.Equal(p.got[1], want) {
		t.Errorf("%d octets came", len(p.got[1]))
	}
}

func TestRefusals(t *testing.T) {
	p := newPair(t)
	syn, err := Parse(p.way[0].wire, left, right)
	if err != nil {
		t.Fatal(err)
	}
	r, ok := Refusal(&syn)
	if !ok || p.ends[0].Receive(ms, &r) != Refused || !p.ends[0].Dead() {
		t.Errorf("%+v", r)
	}
	if _, ok := Refusal(&r); ok {
		t.Error("a reset answers a reset")
	}
	// A reset that is not exactly where the receiver is: it asks back (RFC 5961), and stays.
	p = newPair(t)
	p.run(time.Second)
	before := p.sent
	p.note(1, p.ends[1].Receive(p.now, &Segment{Seq: p.ends[1].rcv + 5, Flags: RST}))
	if p.sent != before+1 || p.ends[1].Dead() {
		t.Error("a blind reset works")
	}
	p.note(1, p.ends[1].Receive(p.now, &Segment{Seq: p.ends[1].rcv, Flags: RST}))
	if p.facts[1]&Reset == 0 || !p.ends[1].Dead() {
		t.Error("a right reset does not")
	}
	p.write(0, []byte("x")) // to nobody
}

func FuzzParse(f *testing.F) {
	for _, s := range []Segment{{From: 1, To: 2, Seq: 3, Ack: 4, Flags: ACK | PSH, Window: 5, Data: []byte("data")},
		{Flags: SYN, MSS: 1440, Scale: 5}} {
		f.Add(s.Append(nil, left, right))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b, left, right)
		if err != nil {
			return
		}
		again, err := Parse(s.Append(nil, left, right), left, right)
		if err != nil || again.Seq != s.Seq || again.MSS != s.MSS || again.Scale != s.Scale || again.Flags != s.Flags || !bytes.Equal(again.Data, s.Data) {
			t.Fatalf("%+v, %+v, %v", s, again, err)
		}
	})
}

// Every prefix of a segment is refused: the checksum covers all of it.
func TestPrefixes(t *testing.T) {
	s := Segment{Flags: SYN, MSS: 1440, Scale: 5, Data: []byte{1, 2, 3}}
	b := s.Append(nil, left, right)
	for n := range b {
		if _, err := Parse(b[:n], left, right); err == nil {
			t.Errorf("%d octets pass", n)
		}
	}
}
