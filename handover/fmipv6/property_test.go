package fmipv6

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"roam6/engine"
	"roam6/plane"
	"roam6/wire/nd"
)

// Whatever happens to a node, in whatever order: no edge that is not there, and no tick that leads to no other.
//
// spec MIP-09
func TestAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := openBench(t)
		up := true
		act := func(what string) func(*rapid.T) { return func(*rapid.T) { b.happens(what) } }
		answer := func(what string) func(*rapid.T) {
			return func(rt *rapid.T) {
				if b.fbu == nil || b.m.prev.Service != b.site.Service && b.m.state == announcing {
					rt.Skip()
				}
				b.happens(what)
			}
		}
		arrive := func(what string) func(*rapid.T) {
			return func(*rapid.T) { up = true; b.happens(what) }
		}
		proxy := func(what string) func(*rapid.T) {
			return func(rt *rapid.T) {
				if b.rtsol == nil {
					rt.Skip()
				}
				b.happens(what)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if at, why := b.m.Deadline(); at < b.now.Mono {
					rt.Fatalf("overdue: %s", why)
				}
			},
			"hint": func(*rapid.T) {
				if up {
					b.happens("hint")
				}
			},
			"other hint": func(*rapid.T) {
				if up {
					b.happens("other hint")
				}
			},
			"router": proxy("PrRtAdv"), "same router": proxy("same router"), "nothing known": proxy("nothing known"),
			"yes": answer("FBack"), "no": answer("FBack refuses"), "supplied": answer("FBack supplies"),
			"down":      func(*rapid.T) { up = false; b.happens("down") },
			"elsewhere": arrive("elsewhere"), "first": arrive("home cell"), "second": arrive("second"),
			"expected": func(rt *rapid.T) {
				if _, ok := b.m.Expected(b.now, engine.LinkUp{Port: cell, HW: mnHW, Attachment: "two"}); !ok {
					rt.Skip()
				}
				up = true
				b.happens("expected")
			},
			"told": func(rt *rapid.T) {
				if up {
					b.told([]uint8{nd.ProxyHandover, nd.ProxyUnsolicited}[rapid.IntRange(0, 1).Draw(rt, "code")], nil)
				}
			},
			"denied": func(rt *rapid.T) {
				status := []nd.NAAckStatus{nd.NAAckInvalid, nd.NAAckUseSupplied, nd.NAAckUseRouter, nd.NAAckUsePCoA, nd.NAAckUnknownLLA}[rapid.IntRange(0, 4).Draw(rt, "status")]
				coa, ok := b.m.Denied(b.now, cell, b.site.CoA, &nd.NAAck{Status: status, CareOf: netip.MustParseAddr("2001:db8:a:2::99")}, &b.out)
				if !ok {
					return
				}
				if b.site.CoA = coa; coa.IsValid() {
					b.m.Arrived(b.now, cell, &b.out)
				} else {
					b.site.CoA = netip.MustParseAddr("2001:db8:a:2::77")
				}
				b.m.AddressReady(b.now, cell, &b.out)
			},
			"lost": act("lost"), "acknowledged": act("BA"),
			"time": func(rt *rapid.T) {
				b.now.Mono = b.now.Mono.Add(time.Duration(rapid.IntRange(1, 3000).Draw(rt, "ms")) * time.Millisecond)
				b.m.Tick(b.now, &b.out)
			},
		})
	})
}

// Whatever a router hears, in whatever order, its tables and the plane agree: a node that it forwards or expects has a path, and
// nobody else has one.
//
// spec MIP-09
func TestRouterAnything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDesk(t)
		seq := uint16(0)
		var toNAR, toPAR []sent
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				for _, r := range []*Router{d.par, d.nar} {
					want := 0
					for a, h := range r.leaving { //order:any
						if h.forwarding || h.stands {
							want++
							if d.paths[r][a].Mode != plane.Tunnel {
								rt.Fatalf("forwards %v, path %+v", a, d.paths[r][a])
							}
						}
					}
					for a, x := range r.expected { //order:any
						want++
						if mode := d.paths[r][a].Mode; x.here != (mode == plane.Direct) || !x.here != (mode == plane.Hold) {
							rt.Fatalf("expects %v (here %v), path %+v", a, x.here, d.paths[r][a])
						}
					}
					if want != len(d.paths[r]) || len(r.asked) > len(r.leaving) {
						rt.Fatalf("%d wanted, paths %v, %d asked", want, d.paths[r], len(r.asked))
					}
				}
			},
			"update": func(rt *rapid.T) {
				seq++
				src, to, life := pcoa, ncoa, 20*time.Second
				if rapid.Bool().Draw(rt, "reactive") {
					src = ncoa
				}
				if rapid.IntRange(0, 4).Draw(rt, "end") == 0 {
					src, to, life = pcoa, pcoa, 0
				}
				toNAR = append(toNAR, d.mobility(d.par, fbu(mnKey, seq, src, pcoa, to, life)))
			},
			"initiate arrives": func(rt *rapid.T) {
				if len(toNAR) == 0 {
					rt.Skip()
				}
				for _, p := range toNAR[0].kernel {
					if p.Dst == narAddr {
						toPAR = append(toPAR, d.mobility(d.nar, p))
					}
				}
				toNAR = toNAR[1:]
			},
			"acknowledge arrives": func(rt *rapid.T) {
				if len(toPAR) == 0 {
					rt.Skip()
				}
				for _, p := range toPAR[0].kernel {
					if p.Dst == parAddr {
						d.mobility(d.par, p)
					}
				}
				toPAR = toPAR[1:]
			},
			"arrival": func(*rapid.T) { d.neighbour(d.nar, mnHW, ncoa, ncoa, una(ncoa, mnHW)) },
			"probe": func(*rapid.T) {
				d.neighbour(d.nar, mnHW, noAddr, ncoa, &nd.NeighborSolicitation{Target: ncoa})
			},
			"time": func(rt *rapid.T) {
				by := time.Duration(rapid.IntRange(1, 3000).Draw(rt, "ms")) * time.Millisecond
				x := d.pass(d.par, by)
				d.now.Mono -= engine.Mono(by)
				d.pass(d.nar, by)
				toNAR = append(toNAR, x)
			},
		})
	})
}
