package diameter_test

import (
	"bytes"
	"slices"
	"testing"

	"roam6/wire/diameter"
)

// TestRelay wants of a relayed request nothing changed but the hop-by-hop identifier, and a Route-Record added.
func TestRelay(t *testing.T) {
	var b diameter.Builder
	raw := arr(&b)
	before := slices.Clone(raw)
	m := parse(t, raw)
	out := parse(t, diameter.Relay([]byte("ABCD"), m, 77, host)[4:])
	if !bytes.Equal(raw, before) {
		t.Error("what was relayed has changed")
	}
	if out.HopByHop != 77 || out.EndToEnd != m.EndToEnd || out.Flags != m.Flags {
		t.Errorf("header %+v", out.Header)
	}
	if !bytes.Equal(out.Raw[diameter.HeaderLen:len(raw)], raw[diameter.HeaderLen:]) {
		t.Error("AVPs have changed")
	}
	route, ok := out.Find(diameter.RouteRecord)
	if !ok || !route.IsIdentity(host) || route.Flags != diameter.Mandatory {
		t.Errorf("Route-Record %+v", route)
	}
	if err := diameter.Check(out); err != nil {
		t.Error(err)
	}
	same := diameter.AppendRoute(slices.Clone(raw), host)
	diameter.SetHopByHop(same, 77)
	if !bytes.Equal(same, out.Raw) {
		t.Error("AppendRoute and Relay differ")
	}
}

// TestEdits makes each edit and reads the message again.
func TestEdits(t *testing.T) {
	var b diameter.Builder
	raw := arr(&b)
	diameter.SetFlags(raw, diameter.Request|diameter.Proxiable|diameter.Retransmitted)
	diameter.SetEndToEnd(raw, 5)
	if !diameter.SetUint32(raw, diameter.MIPv6FeatureVector, 17) || diameter.SetUint32(raw, diameter.OriginStateID, 1) ||
		diameter.SetUint32(raw, diameter.UserName, 1) {
		t.Error("SetUint32 does not say whether it wrote")
	}
	raw = diameter.AppendAVP(raw, diameter.DestinationHost, []byte("aaah"))
	raw = diameter.Remove(raw, diameter.KeyRequest)
	m := parse(t, raw)
	if m.Flags&diameter.Retransmitted == 0 || m.EndToEnd != 5 {
		t.Errorf("header %+v", m.Header)
	}
	vector, _ := m.Find(diameter.MIPv6FeatureVector)
	if v, _ := vector.Uint32(); v != 17 {
		t.Errorf("features %d", v)
	}
	to, _ := m.Find(diameter.DestinationHost)
	if !to.IsIdentity("aaah") {
		t.Errorf("destination %q", to.Data)
	}
	if _, there := m.Find(diameter.KeyRequest); there {
		t.Error("what was removed is there")
	}
	if err := diameter.Check(m); err != nil {
		t.Error(err)
	}
}

// TestNothingIsAllocated holds the way of a message through an agent and a server to no allocation at all.
func TestNothingIsAllocated(t *testing.T) {
	var one, two diameter.Builder
	raw := arr(&one)
	m := parse(t, raw)
	answer := slices.Clone(ara(&two, m))
	done, dst := parse(t, answer), make([]byte, 0, 4096)
	for name, f := range map[string]func(){ // order does not matter
		"parse":     func() { _, _ = diameter.Parse(raw) },
		"next":      func() { _, _, _ = diameter.Next(raw, 0) },
		"check":     func() { _ = diameter.Check(m) },
		"check ARA": func() { _ = diameter.Check(done) },
		"find":      func() { _, _ = m.Find(diameter.KeyRequest) },
		"all": func() {
			for a := range m.All() {
				_ = a.IsIdentity(host)
			}
		},
		"group":      func() { a, _ := m.Find(diameter.MNAuthentication); _, _ = a.Group() },
		"relay":      func() { dst = diameter.Relay(dst[:0], m, 1, host) },
		"build":      func() { ara(&two, m) },
		"build ARR":  func() { arr(&one) },
		"set":        func() { diameter.SetUint32(raw, diameter.MIPv6FeatureVector, 1) },
		"definition": func() { _, _ = diameter.Lookup(diameter.OriginHost) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	var x diameter.Builder
	raw := arr(&x)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := diameter.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	var x diameter.Builder
	m, _ := diameter.Parse(arr(&x))
	b.ReportAllocs()
	for b.Loop() {
		if err := diameter.Check(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	var x, y diameter.Builder
	m, _ := diameter.Parse(arr(&x))
	b.ReportAllocs()
	for b.Loop() {
		ara(&y, m)
	}
}

// BenchmarkRelay is all that an agent does to a request: cut it from the stream, check its frame, find its destination, write it on.
func BenchmarkRelay(b *testing.B) {
	var x diameter.Builder
	raw := arr(&x)
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		one, _, _ := diameter.Next(raw, 0)
		m, err := diameter.Parse(one)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := m.Find(diameter.DestinationRealm); !ok {
			b.Fatal("no realm")
		}
		dst = diameter.Relay(dst[:0], m, 7, host)
	}
}
