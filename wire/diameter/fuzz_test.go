package diameter_test

import (
	"bytes"
	"slices"
	"testing"

	"roam6/wire/diameter"
)

// hor is a Home-Agent-MIPv6-Request for a home agent in the visited domain, with the mobile node's public value.
func hor(b *diameter.Builder) []byte {
	return b.Request(diameter.HomeAgentMIPv6, diameter.AppMobileIPv6AAA, diameter.Proxiable).
		Text(diameter.SessionID, "s").Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).
		Text(diameter.OriginHost, "aaah.home.example").Text(diameter.OriginRealm, "home.example").Text(diameter.DestinationRealm, realm).
		Addr(diameter.CareOfAddress, coa).Uint32(diameter.AuthorizationLifetime, 3600).
		Group(diameter.KeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, diameter.KeyTypeMNHA).Uint32(diameter.KeyMethod, diameter.KeyMethodDiffieHellman).
				Uint32(diameter.MNSPI, 4096).Bytes(diameter.DHPublicValue, octets(32, 1))
		}).Done()
}

// hoa is the answer of the home agent, which has chosen the home address.
func hoa(b *diameter.Builder, to diameter.Message) []byte {
	return b.Reply(to, diameter.Success, "ha."+realm, realm).Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).
		Bytes(diameter.MIPBindingAcknowledgement, octets(64, 0)).Addr(diameter.MIPv6MobileNodeAddress, coa).Addr(diameter.MIPv6HomeAgentAddress, ha).
		Group(diameter.KeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, diameter.KeyTypeMNHA).Uint32(diameter.KeyMethod, diameter.KeyMethodDiffieHellman).
				Uint32(diameter.PeerSPI, 4097).Bytes(diameter.DHPublicValue, octets(32, 9))
		}).Done()
}

// samples are messages of every kind, as they go over the wire.
func samples() [][]byte {
	var b diameter.Builder
	q := slices.Clone(arr(&b))
	m, err := diameter.Parse(q)
	if err != nil {
		panic(err)
	}
	h := slices.Clone(hor(&b))
	asked, err := diameter.Parse(h)
	if err != nil {
		panic(err)
	}
	return [][]byte{
		h, slices.Clone(hoa(&b, asked)),
		slices.Clone(b.Reply(asked, diameter.ErrorBadHOR, "ha."+realm, realm).Done()),
		q, slices.Clone(cer(&b)), slices.Clone(ara(&b, m)),
		slices.Clone(b.Refuse(m, &diameter.Error{Code: diameter.MissingAVP, Failed: []byte{0, 0, 1, 22, 64, 0, 0, 12, 0, 0, 0, 0}, Text: "x"}, "h", "r").Done()),
		slices.Clone(b.Request(diameter.DeviceWatchdog, 0, 0).Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b").Uint32(diameter.OriginStateID, 1).Done()),
		slices.Clone(b.Request(diameter.Accounting, diameter.AppBaseAccounting, diameter.Proxiable).Text(diameter.SessionID, "s").
			Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b").Text(diameter.DestinationRealm, "c").
			Uint32(diameter.AccountingRecordType, 4).Uint32(diameter.AccountingRecordNumber, 9).Uint64(diameter.AccountingInputOctets, 1<<33).Done()),
	}
}

// FuzzParse: no octets make anything panic; what is accepted is the same when its AVPs are written again; every value reader, the checker
// and the edits take any message; what fails can be answered, and the answer read.
func FuzzParse(f *testing.F) {
	for _, b := range samples() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		raw, rest, err := diameter.Next(in, 0)
		if err == nil && raw != nil && len(raw)+len(rest) != len(in) {
			t.Fatal("octets are lost")
		}
		m, err := diameter.Parse(in)
		if err != nil {
			refused(t, m, err)
			return
		}
		var b diameter.Builder
		b.Request(m.Command, m.App, 0)
		for a := range m.All() {
			read(t, a, 0)
			b.Copy(a)
		}
		if got := b.Done(); !bytes.Equal(got[diameter.HeaderLen:], in[diameter.HeaderLen:]) {
			t.Fatalf("AVPs written again: %x, were %x", got, in)
		}
		if err := diameter.Check(m); err != nil {
			refused(t, m, err)
		}
		if _, err := diameter.Parse(diameter.Relay(nil, m, 1, "x")); err != nil && len(slices.Collect(m.All())) < diameter.MaxAVPs {
			t.Fatal("relayed:", err)
		}
		if _, err := diameter.Parse(diameter.Remove(slices.Clone(in), diameter.OriginHost)); err != nil {
			t.Fatal("with an AVP removed:", err)
		}
	})
}

// read calls every reader on an AVP, and goes into groups.
func read(t *testing.T, a diameter.AVP, depth int) {
	_, _ = a.Uint32()
	_, _ = a.Uint64()
	_, _ = a.Text()
	_, _ = a.Identity()
	_, _ = a.Addr()
	_, _ = a.Time()
	_ = a.Name()
	if list, err := a.Group(); err == nil && depth < diameter.MaxDepth {
		for x := range list.All() {
			read(t, x, depth+1)
		}
	}
}

func refused(t *testing.T, m diameter.Message, err error) {
	var b diameter.Builder
	e := err.(*diameter.Error)
	if len(e.Failed)%4 != 0 {
		t.Fatalf("Failed-AVP with %d octets", len(e.Failed))
	}
	if len(m.Raw) < diameter.MaxMessage { // one with its session and proxies
		if _, err := diameter.Parse(b.Refuse(m, e, "h", "r").Done()); err != nil {
			t.Fatalf("the answer to %v: %v", e, err)
		}
	}
}
