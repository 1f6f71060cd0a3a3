package diameter_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"roam6/wire/diameter"
)

const (
	host  = "ar.visited.example"
	realm = "visited.example"
)

var (
	coa = netip.MustParseAddr("2001:db8:a::100")
	ha  = netip.MustParseAddr("2001:db8:1::1")
)

func octets(n int, first byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// arr is an AA-Registration-Request as an AAA client sends it.
func arr(b *diameter.Builder) []byte {
	raw := b.Request(diameter.AARegistration, diameter.AppMobileIPv6AAA, diameter.Proxiable).
		Text(diameter.SessionID, host+";1;2").
		Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).
		Text(diameter.OriginHost, host).Text(diameter.OriginRealm, realm).Text(diameter.DestinationRealm, "home.example").
		Text(diameter.UserName, "mn@home.example").
		Addr(diameter.CareOfAddress, coa).
		Group(diameter.MNAuthentication, func(b *diameter.Builder) {
			b.Bytes(diameter.LocalChallenge, octets(16, 1)).Bytes(diameter.HostChallenge, octets(16, 33)).
				Text(diameter.VisitedNetworkIdentifier, realm).Bytes(diameter.MNAuthenticationData, octets(16, 65))
		}).
		Uint32(diameter.MIPv6FeatureVector, diameter.MIPv6FeatureVectorHomeAgentRequested).
		Group(diameter.KeyRequest, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, diameter.KeyTypeMNHA).Uint32(diameter.KeyMethod, diameter.KeyMethodRandomNumber).Uint32(diameter.MNSPI, 4096)
		}).Done()
	diameter.SetHopByHop(raw, 0x01020304)
	diameter.SetEndToEnd(raw, 0x05060708)
	return raw
}

// ara is the answer.
func ara(b *diameter.Builder, to diameter.Message) []byte {
	return b.Reply(to, diameter.Success, "aaah.home.example", "home.example").
		Uint32(diameter.AuthApplicationID, diameter.AppMobileIPv6AAA).
		Bytes(diameter.NetworkAuthenticationData, octets(16, 97)).
		Addr(diameter.MIPv6HomeAgentAddress, ha).
		Group(diameter.MNKeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, diameter.KeyTypeMNHA).Uint32(diameter.KeyMethod, diameter.KeyMethodRandomNumber).
				Uint32(diameter.MNSPI, 4096).Uint32(diameter.PeerSPI, 4097).Uint32(diameter.KeyLifetime, 3600).
				Uint32(diameter.KeyAlgorithm, diameter.KeyAlgorithmAES256GCM16).Bytes(diameter.KeyRandomNumber, octets(32, 7))
		}).
		Group(diameter.KeyDistribution, func(b *diameter.Builder) {
			b.Uint32(diameter.KeyType, diameter.KeyTypeMNAR).Uint32(diameter.KeyMethod, diameter.KeyMethodRandomNumber).
				Bytes(diameter.KeyMaterial, octets(32, 9))
		}).Done()
}

// cer is a Capabilities-Exchange-Request.
func cer(b *diameter.Builder) []byte {
	return b.Request(diameter.CapabilitiesExchange, diameter.AppBase, 0).
		Text(diameter.OriginHost, "a.b").Text(diameter.OriginRealm, "b").
		Addr(diameter.HostIPAddress, netip.MustParseAddr("192.0.2.1")).
		Uint32(diameter.VendorID, 0).Text(diameter.ProductName, "roam6").Done()
}

func parse(t *testing.T, raw []byte) diameter.Message {
	t.Helper()
	m, err := diameter.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	var all strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "//")
		all.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(all.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGolden holds a built message against octets written by hand from RFC 6733 §3 and §4.1.
func TestGolden(t *testing.T) {
	want := unhex(t, `
		01 000058                     // version, length
		80 000101                     // R; 257
		00000000 00000000 00000000    // application, hop-by-hop, end-to-end
		00000108 40 00000b 612e6200   // Origin-Host, M, 11: "a.b" and a zero to 32 bits
		00000128 40 000009 62000000   // Origin-Realm
		00000101 40 00000e 0001 c0000201 0000 // Host-IP-Address: family 1
		0000010a 40 00000c 00000000   // Vendor-Id
		0000010d 00 00000d 726f616d36 000000  // Product-Name: must not have M`)
	var b diameter.Builder
	got := cer(&b)
	if !bytes.Equal(got, want) {
		t.Fatalf("built\n%x, want\n%x", got, want)
	}
	if err := diameter.Check(parse(t, want)); err != nil {
		t.Error(err)
	}
	vendor := b.Request(1, 2, 0).Uint32(diameter.MIPv6FeatureVector, 16).Done()[diameter.HeaderLen:]
	if want := unhex(t, "000003ed c0 000010 00007ed9 00000010"); !bytes.Equal(vendor, want) {
		t.Errorf("an AVP of ours is %x, want %x", vendor, want)
	}
}

// TestRequestAndAnswer builds the commands of the application and reads them back.
func TestRequestAndAnswer(t *testing.T) { //spec DM-02 DM-03
	var one, two diameter.Builder
	q := parse(t, arr(&one))
	if err := diameter.Check(q); err != nil {
		t.Fatal(err)
	}
	if q.CommandName() != "AA-Registration-Request" || q.HopByHop != 0x01020304 || q.EndToEnd != 0x05060708 || !q.IsRequest() {
		t.Errorf("header %+v", q.Header)
	}
	at, _ := q.Find(diameter.CareOfAddress)
	if a, err := at.Addr(); a != coa || err != nil {
		t.Errorf("care-of address %v %v", a, err)
	}
	auth, _ := q.Find(diameter.MNAuthentication)
	in, err := auth.Group()
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := in.Find(diameter.HostChallenge); !ok || !bytes.Equal(c.Data, octets(16, 33)) {
		t.Errorf("host challenge %x", c.Data)
	}
	a := parse(t, ara(&two, q))
	if err := diameter.Check(a); err != nil {
		t.Fatal(err)
	}
	if a.IsRequest() || a.Flags != diameter.Proxiable || a.HopByHop != q.HopByHop || a.EndToEnd != q.EndToEnd || a.App != q.App {
		t.Errorf("header of the answer %+v", a.Header)
	}
	first := slices.Collect(a.All())[0]
	if s, _ := first.Text(); first.Key != diameter.SessionID || s != host+";1;2" {
		t.Errorf("an answer begins with %s %q, not with the session", first.Name(), s)
	}
	for _, half := range []struct {
		flags diameter.Flags
		code  uint32
		want  string
	}{{diameter.Request, diameter.HomeAgentMIPv6, "Home-Agent-MIPv6-Request"}, {0, diameter.HomeAgentMIPv6, "Home-Agent-MIPv6-Answer"}, {0, 99, ""}} {
		h := diameter.Header{Flags: half.flags, Command: half.code, App: diameter.AppMobileIPv6AAA}
		if got := h.CommandName(); got != half.want {
			t.Errorf("%+v is %q, want %q", h, got, half.want)
		}
	}
}

// TestSamples passes every sample, all commands of the application among them, through the checker.
func TestSamples(t *testing.T) { //spec DM-02 DM-03
	seen := map[string]bool{}
	for _, raw := range samples() {
		m := parse(t, raw)
		seen[m.CommandName()] = true
		if err := diameter.Check(m); err != nil {
			t.Errorf("%s: %v", m.CommandName(), err)
		}
	}
	for _, name := range []string{"AA-Registration-Request", "AA-Registration-Answer", "Home-Agent-MIPv6-Request", "Home-Agent-MIPv6-Answer"} {
		if !seen[name] {
			t.Errorf("no %s", name)
		}
	}
}

// TestFeatureVector has the five flags of the draft at their values.
func TestFeatureVector(t *testing.T) { //spec DM-03
	d, _ := diameter.Lookup(diameter.MIPv6FeatureVector)
	var got []string
	d.Values(func(v uint32, name string) {
		if v != 1<<len(got) {
			t.Errorf("%s is %d", name, v)
		}
		got = append(got, name)
	})
	want := []string{"Home-Agent-Requested", "Mobile-Node-Home-Address-Requested", "Home-Address-Allocatable-Only-in-Home-Domain",
		"Home-Agent-in-Visited-Domain", "Visited-Home-Agent-Available"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPrefixes cuts a message everywhere: as a stream, more is needed; as a message, its length lies.
func TestPrefixes(t *testing.T) {
	var b diameter.Builder
	raw := arr(&b)
	for n := range raw {
		if got, rest, err := diameter.Next(raw[:n], 0); got != nil || err != nil || len(rest) != n {
			t.Fatalf("the first %d octets: %x %v", n, got, err)
		}
		wantCode(t, second(diameter.Parse(raw[:n])), diameter.InvalidMessageLength)
	}
	whole := append(append([]byte{}, raw...), 1, 0)
	got, rest, err := diameter.Next(whole, 0)
	if !bytes.Equal(got, raw) || len(rest) != 2 || err != nil || cap(got) != len(raw) {
		t.Errorf("%d octets, %d left, %v, capacity %d", len(got), len(rest), err, cap(got))
	}
	for _, c := range []struct {
		head  string
		limit int
		want  diameter.ResultCode
	}{
		{"02", 0, diameter.UnsupportedVersion}, {"01000010", 0, diameter.InvalidMessageLength}, {"01000016", 0, diameter.InvalidMessageLength},
		{"01010004", 0, diameter.InvalidMessageLength}, {"01000068", 100, diameter.InvalidMessageLength},
	} {
		_, _, err := diameter.Next(unhex(t, c.head), c.limit)
		wantCode(t, err, c.want)
	}
}

// TestAVPPrefixes cuts the AVPs with a header that agrees: whatever is left is refused as an AVP, or is shorter and whole.
func TestAVPPrefixes(t *testing.T) {
	var b diameter.Builder
	raw := arr(&b)
	ends := map[int]bool{diameter.HeaderLen: true}
	at := diameter.HeaderLen
	for a := range parse(t, raw).All() {
		at += len(a.Raw())
		ends[at] = true
	}
	for n := diameter.HeaderLen; n < len(raw); n += 4 {
		cut := slices.Clone(raw[:n])
		cut[2], cut[3] = byte(n>>8), byte(n)
		m, err := diameter.Parse(cut)
		if ends[n] {
			if err != nil {
				t.Errorf("cut at %d, between two AVPs: %v", n, err)
			}
			continue
		}
		wantCode(t, err, diameter.InvalidAVPLength)
		if m.Command != diameter.AARegistration {
			t.Errorf("cut at %d: the header is lost", n)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

func wantCode(t *testing.T, err error, want diameter.ResultCode) *diameter.Error {
	t.Helper()
	var e *diameter.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Fatalf("%v, want %v", err, want)
	}
	if e.Text == "" {
		t.Error("no words for people")
	}
	return e
}

// TestValues reads what the builder wrote, and refuses what is no value of the type.
func TestValues(t *testing.T) {
	var b diameter.Builder
	now := time.Date(2026, 11, 22, 10, 20, 0, 0, time.UTC)
	late := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	m := parse(t, b.Request(1, 0, 0).Time(diameter.EventTimestamp, now).Time(diameter.EventTimestamp, late).
		Uint64(diameter.AccountingInputOctets, 1<<40).Addr(diameter.HostIPAddress, netip.MustParseAddr("::ffff:192.0.2.7")).
		Text(diameter.UserName, "mn@home").Text(diameter.OriginHost, "AR.Visited.example").
		Bytes(diameter.UserName, []byte{0xff}).Text(diameter.OriginHost, "a b").Text(diameter.OriginHost, "").
		Bytes(diameter.HostIPAddress, []byte{0, 9, 1}).Bytes(diameter.HostIPAddress, []byte{0, 2, 1}).Bytes(diameter.HostIPAddress, nil).Done())
	a := slices.Collect(m.All())
	if got, err := a[0].Time(); !got.Equal(now) || err != nil {
		t.Error(got, err)
	}
	if got, err := a[1].Time(); !got.Equal(late) || err != nil {
		t.Error(got, err)
	}
	if got, err := a[2].Uint64(); got != 1<<40 || err != nil {
		t.Error(got, err)
	}
	if got, err := a[3].Addr(); got != netip.MustParseAddr("192.0.2.7") || err != nil {
		t.Error(got, err)
	}
	if got, err := a[4].Text(); got != "mn@home" || err != nil {
		t.Error(got, err)
	}
	if got, err := a[5].Identity(); got != "AR.Visited.example" || err != nil || !a[5].IsIdentity("ar.visited.example") || a[5].IsIdentity("ar.visited.exampl") || a[5].IsIdentity("ar.visited.examplf") {
		t.Error(got, err)
	}
	wantCode(t, second(a[0].Uint64()), diameter.InvalidAVPLength)
	wantCode(t, second(a[2].Uint32()), diameter.InvalidAVPLength)
	wantCode(t, second(a[2].Time()), diameter.InvalidAVPLength)
	wantCode(t, second(a[6].Text()), diameter.InvalidAVPValue)
	wantCode(t, second(a[7].Identity()), diameter.InvalidAVPValue)
	wantCode(t, second(a[8].Identity()), diameter.InvalidAVPValue)
	wantCode(t, second(a[9].Addr()), diameter.InvalidAVPValue)
	wantCode(t, second(a[10].Addr()), diameter.InvalidAVPLength)
	wantCode(t, second(a[11].Addr()), diameter.InvalidAVPLength)
	wantCode(t, second(a[4].Group()), diameter.InvalidAVPLength)
}
