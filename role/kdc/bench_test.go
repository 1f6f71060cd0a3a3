package kdc

import (
	"testing"

	"roam6/engine"
	keys "roam6/keying/krb5"
)

// BenchmarkRequest is what one granted request costs, principals being known: a logon, a service ticket, an open-req.
func BenchmarkRequest(b *testing.B) {
	for _, e := range []keys.EType{keys.AES256SHA384, keys.AES256SHA1} {
		w, c := atHome(b)
		c.cfg.PerSource, c.cfg.Whole = 1<<30, 1<<30
		c.start()
		tgt, err := c.as(ann, e, lightly)
		if err != nil {
			b.Fatal(err.Text)
		}
		m := w.mobile(tgt, ann)
		for name, ask := range map[string]func() []byte{ //order:any
			"as":       func() []byte { return c.asReq(ann, e) },
			"as, both": func() []byte { return c.asReq(ann, e, lightly) },
			"tgs":      func() []byte { return w.tgsReq(tgt, id(ann), host) },
			"open":     func() []byte { raw, _ := w.apReq(m, ar1); return w.openReq(ar1, raw) },
		} {
			b.Run(e.String()+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				c.ask(ask()) // principals are known from here on
				var out engine.Effects
				for b.Loop() {
					b.StopTimer()
					d := engine.Datagram{Name: "kdc/0 udp", Peer: clientAt, Data: ask()}
					if w.now.Mono += 1e6; len(c.replays.order) > MaxReplays/2 {
						c.replays = replays{}
					}
					out.Reset()
					b.StartTimer()
					c.Handle(w.now, d, &out)
				}
				if c.granted["again"] > 0 || len(c.lookups) > 0 {
					b.Fatalf("%v", c.granted)
				}
			})
		}
	}
}
