package fmipv6

import (
	"net/netip"
	"testing"
	"time"

	"roam6/engine"
	"roam6/wire/nd"
)

// No second sees more RtSolPr than MAX_RTSOLPR_RATE, RFC 5568 §6.1.1, however they come about; each wait is twice the one before at
// least.
//
// spec MIP-09
func TestSolicitationRate(t *testing.T) {
	b := newMobileBench(t)
	var at []engine.Mono
	note := func() {
		if b.rtsol != nil {
			at, b.rtsol = append(at, b.now.Mono), nil
		}
	}
	for what := range 200 {
		b.happens([]string{"hint", "other hint"}[what/3%2])
		note()
		for end := b.now.Mono.Add(37 * time.Millisecond); b.now.Mono < end; note() {
			due, _ := b.m.Deadline()
			b.now.Mono = max(b.now.Mono, min(due, end))
			b.m.Tick(b.now, &b.out)
		}
	}
	for i := RtSolPrRate; i < len(at); i++ {
		if gap := at[i].Sub(at[i-RtSolPrRate]); gap < time.Second {
			t.Fatalf("%d within %v: %v", RtSolPrRate+1, gap, at[i-RtSolPrRate:i+1])
		}
	}
	if len(at) < 2*RtSolPrRate {
		t.Errorf("only %d were sent", len(at))
	}
}

// The first waits 100 ms for its answer, the next twice as long as the one before it: RFC 5568 §6.1.1. The last waits for the rate too.
//
// spec MIP-09
func TestSolicitationIntervals(t *testing.T) {
	b := newMobileBench(t)
	b.happens("hint")
	at := []time.Duration{0}
	for b.m.state == asking {
		due, _ := b.m.Deadline()
		b.now.Mono, b.rtsol = due, nil
		if b.m.Tick(b.now, &b.out); b.rtsol != nil {
			at = append(at, time.Duration(due))
		}
	}
	if len(at) != MaxRtSolPr || at[1] != FirstInterval || at[2] != 3*FirstInterval || at[3] < time.Second {
		t.Errorf("sent at %v", at)
	}
}

// A care-of address that the advertisement names is the one to ask for, RFC 5568 §5.2, if it is of that network.
//
// spec MIP-09
func TestAdvertisedCareOfAddress(t *testing.T) {
	for named, want := range map[string]netip.Addr{
		"2001:db8:a:2::88": netip.MustParseAddr("2001:db8:a:2::88"),
		"2001:db8:bad::88": ncoa, // no such network behind that cell
	} {
		b := newMobileBench(t)
		b.happens("hint")
		ap := nd.AccessPoint{HW: cellTwo, Outcome: nd.APFound, RouterHW: narHW, Router: netip.PrefixFrom(narAddr, 64), CareOf: netip.MustParseAddr(named)}
		b.advertise(nd.ProxyInfo, ap)
		if b.fbu == nil || b.fbu.Options.AltCareOf != want {
			t.Errorf("named %s, asked for %+v", named, b.fbu)
		}
	}
}
