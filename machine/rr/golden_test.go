package rr

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/ip6"
	"roam6/wire/mh"
)

var rewrite = flag.Bool("update", false, "write testdata/exchange.txt anew")

// The octets of a whole exchange: binding, move, removal at home. Tokens follow from the seeds; the authenticators were
// checked with another implementation of HMAC and SHA-1, the fields with another dissector.
//
// spec MIP-04
func TestGolden(t *testing.T) {
	const file = "testdata/exchange.txt"
	w := newWorld(t, Config{}, 1, cn)
	var got bytes.Buffer
	w.delay = func(p *ip6.Packet, m mh.Message) []time.Duration {
		fmt.Fprintf(&got, "%v %s\n%s\n", w.now, kindOf(m), hex.EncodeToString(p.Append(nil)))
		return []time.Duration{10 * time.Millisecond}
	}
	w.attach(coa)
	w.wanted(cn)
	w.run(time.Second)
	w.attach(coa2)
	w.run(time.Second)
	w.home()
	w.run(time.Second)
	if *rewrite {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
	}
}

func FuzzHeard(f *testing.F) {
	for _, g := range []stage{asking, updated, bound} {
		w := g.world(f)
		q, cookie := w.testOf(homeTest)
		q = withBody(q, &mh.HomeTest{Cookie: cookie})
		f.Add(byte(g), q.Append(nil))
		q, cookie = w.testOf(careTest)
		q = withBody(q, &mh.CareOfTest{Cookie: cookie})
		f.Add(byte(g), q.Append(nil))
		q = w.ack(mh.Accepted, nil)
		f.Add(byte(g), q.Append(nil))
		q = withBody(ip6.Packet{Header: ip6.Header{Src: cn, Dst: coa}, Proto: ip6.ProtoMH}, &mh.BindingError{Status: 1, HomeAddress: hoa})
		f.Add(byte(g), q.Append(nil))
	}
	f.Fuzz(func(t *testing.T, g byte, data []byte) {
		w := stage(g % 4).world(t)
		p, err := ip6.Parse(data)
		if err != nil {
			return
		}
		m, err := mh.Parse(p.EffectiveSrc(), p.EffectiveDst(), p.Payload)
		if err != nil {
			return
		}
		before := dump(w.m)
		var out engine.Effects
		facts := w.m.Heard(w.at(), &p, m, true, &out)
		if len(facts) > 3 {
			t.Errorf("%d facts of one message", len(facts))
		}
		for _, e := range out.List {
			if e.(engine.Event).Name == engine.EventDrop && dump(w.m) != before {
				t.Errorf("dropped, and changed:\n%s\n%s", before, dump(w.m))
			}
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		w := newWorld(b, Config{}, 1, cn)
		w.attach(coa)
		w.wanted(cn)
		w.run(time.Second)
	}
}
