package diameter_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"roam6/wire/diameter"
)

// TestFrameRefusals wants each lie in a frame refused with its code, and the AVP named as RFC 6733 §7.1.5 and §7.5 ask.
func TestFrameRefusals(t *testing.T) {
	for _, c := range []struct {
		name, avps string
		code       diameter.ResultCode
		failed     string
	}{
		{"longer than the message", "00000108 40 000010 61620000", diameter.InvalidAVPLength, "00000108 40 000009 00000000"},
		{"an Unsigned32 longer than the message", "00000104 40 000020 61620000 0000010a 40 0000ff", diameter.InvalidAVPLength, "00000104 40 000008"},
		{"shorter than its header", "0000010a 40 000007 61626364", diameter.InvalidAVPLength, "0000010a 40 00000c 00000000"},
		{"zero", "0000010a 40 000000", diameter.InvalidAVPLength, "0000010a 40 00000c 00000000"},
		{"a vendor without room for it", "000003ed c0 000008", diameter.InvalidAVPLength, "000003ed c0 00000c 00000000"},
		{"a vendor that the length cuts off", "000003ed c0 00000b 00007ed9", diameter.InvalidAVPLength, "000003ed c0 000010 00007ed9 00000000"},
		{"no padding", "0000010a 40 00000c 00000000 00000108 40 000009", diameter.InvalidAVPLength, "00000108 40 000009 00000000"},
		{"half a header", "0000010a", diameter.InvalidAVPLength, "0000010a 00 00000c 00000000"},
		{"unknown", "00fffff0 40 0000ff", diameter.InvalidAVPLength, "00fffff0 40 000008"},
	} {
		raw := unhex(t, "01000000 80000101 00000000 00000000 00000000"+c.avps)
		raw[3] = byte(len(raw))
		m, err := diameter.Parse(raw)
		e := wantCode(t, err, c.code)
		if want := unhex(t, c.failed); !bytes.Equal(e.Failed, want) {
			t.Errorf("%s: Failed-AVP holds %x, want %x", c.name, e.Failed, want)
		}
		answerFits(t, m, e)
	}
}

// answerFits wants the answer to a refused message to be one that passes our own check.
func answerFits(t *testing.T, m diameter.Message, e *diameter.Error) {
	t.Helper()
	var b diameter.Builder
	a := parse(t, b.Refuse(m, e, "aaah.home.example", "home.example").Done())
	if a.Flags&diameter.ErrorBit != 0 != e.Code.IsProtocol() || a.IsRequest() {
		t.Errorf("%v: flags of the answer %x", e.Code, a.Flags)
	}
	if a.CommandName() != "" {
		if err := diameter.Check(a); err != nil {
			t.Errorf("%v: the answer: %v", e.Code, err)
		}
	}
	f, ok := a.Find(diameter.FailedAVP)
	if ok != (e.Failed != nil) || ok && !bytes.Equal(f.Data, e.Failed) {
		t.Errorf("%v: Failed-AVP %x, want %x", e.Code, f.Data, e.Failed)
	}
}

// TestHeaderRefusals damages the header of a message.
func TestHeaderRefusals(t *testing.T) {
	var b diameter.Builder
	raw := arr(&b)
	for _, c := range []struct {
		at   int
		to   byte
		want diameter.ResultCode
	}{
		{0, 2, diameter.UnsupportedVersion}, {0, 0, diameter.UnsupportedVersion},
		{1, 1, diameter.InvalidMessageLength}, {3, 0, diameter.InvalidMessageLength},
		{4, 0xa0, diameter.InvalidHdrBits}, {4, 0x10, diameter.InvalidHdrBits},
	} {
		bad := slices.Clone(raw)
		bad[c.at] = c.to
		m, err := diameter.Parse(bad)
		e := wantCode(t, err, c.want)
		if m.Raw != nil {
			t.Error("octets of a message whose header is wrong")
		}
		answerFits(t, m, e)
	}
	ok := slices.Clone(raw)
	ok[4] |= 0x0f // reserved: ignored, RFC 6733 §3
	if m := parse(t, ok); m.Flags != diameter.Request|diameter.Proxiable {
		t.Errorf("flags %x", m.Flags)
	}
	second := slices.Clone(raw)
	second[8] = 9
	e := wantCode(t, diameter.Check(parse(t, second)), diameter.ApplicationUnsupported)
	answerFits(t, parse(t, second), e)
}

// TestManyAVPs bounds the AVPs of one message.
func TestManyAVPs(t *testing.T) {
	build := func(n int) []byte {
		var b diameter.Builder
		b.Request(1, 1, 0)
		for range n {
			b.Bytes(diameter.Class, nil)
		}
		return b.Done()
	}
	parse(t, build(diameter.MaxAVPs))
	wantCode(t, second(diameter.Parse(build(diameter.MaxAVPs+1))), diameter.UnableToComply)
}

// refusals of a Disconnect-Peer-Request: what is in it besides its two origins, and what is wrong with that.
var refusals = []struct {
	name   string
	fill   func(b *diameter.Builder)
	code   diameter.ResultCode
	failed string // hex; "" is the last AVP
}{
	{"missing", func(b *diameter.Builder) {}, diameter.MissingAVP, "00000111 40 00000c 00000000"},
	{"twice", func(b *diameter.Builder) { b.Uint32(diameter.DisconnectCause, 0).Uint32(diameter.DisconnectCause, 0) },
		diameter.AVPOccursTooManyTimes, ""},
	{"no such value", func(b *diameter.Builder) { b.Uint32(diameter.DisconnectCause, 9) }, diameter.InvalidAVPValue, ""},
	{"too long", func(b *diameter.Builder) { b.Uint64(diameter.DisconnectCause, 0) }, diameter.InvalidAVPLength, ""},
	{"too short", func(b *diameter.Builder) { b.Bytes(diameter.DisconnectCause, []byte{1}) }, diameter.InvalidAVPLength, ""},
	{"not a name", func(b *diameter.Builder) { b.Text(diameter.RouteRecord, "a/b") }, diameter.InvalidAVPValue, ""},
	{"not UTF-8", func(b *diameter.Builder) { b.Text(diameter.UserName, "\xff") }, diameter.InvalidAVPValue, ""},
	{"an address of 5", func(b *diameter.Builder) { b.Bytes(diameter.HostIPAddress, []byte{0, 1, 1, 2, 3, 4, 5}) }, diameter.InvalidAVPLength, ""},
	{"unknown, mandatory", func(b *diameter.Builder) { octetsOf(b, "00fffff0 40 00000c 01020304") }, diameter.AVPUnsupported, ""},
	{"unknown vendor, mandatory", func(b *diameter.Builder) { octetsOf(b, "00000001 c0 000010 00000063 01020304") }, diameter.AVPUnsupported, ""},
	{"reserved bit", func(b *diameter.Builder) { octetsOf(b, "00000111 41 00000c 00000000") }, diameter.InvalidAVPBits, ""},
	{"M is missing", func(b *diameter.Builder) { octetsOf(b, "00000111 00 00000c 00000000") }, diameter.InvalidAVPBits, ""},
	{"M is forbidden", func(b *diameter.Builder) { octetsOf(b, "00000119 40 00000c 61626364") }, diameter.InvalidAVPBits, ""},
	{"a group that lacks", func(b *diameter.Builder) {
		b.Group(diameter.ExperimentalResult, func(b *diameter.Builder) { b.Uint32(diameter.VendorID, 1) })
	}, diameter.MissingAVP, "00000129 40 000014 0000012a 40 00000c 00000000"},
	{"a group that lies", func(b *diameter.Builder) {
		b.Group(diameter.ExperimentalResult, func(b *diameter.Builder) { octetsOf(b, "0000010a 40 000010 61000000") })
	}, diameter.InvalidAVPLength, "00000129 40 000014 0000010a 40 00000c 00000000"},
	{"unknown, mandatory, in a group", func(b *diameter.Builder) {
		b.Group(diameter.ExperimentalResult, func(b *diameter.Builder) { octetsOf(b, "00fffff0 40 00000c 01020304") })
	}, diameter.AVPUnsupported, "00000129 40 000014 00fffff0 40 00000c 01020304"},
	{"a group that is closed", func(b *diameter.Builder) {
		b.Group(diameter.ExperimentalResult, func(b *diameter.Builder) { b.Text(diameter.ProxyHost, "a") })
	}, diameter.AVPNotAllowed, "00000129 40 000014 00000118 40 000009 61000000"},
	{"groups without end", func(b *diameter.Builder) { deep(b, diameter.MaxDepth+1) }, diameter.UnableToComply, "-"},
}

// deep is MN-Authentication in MN-Authentication.
func deep(b *diameter.Builder, n int) {
	if n > 0 {
		b.Group(diameter.MNAuthentication, func(b *diameter.Builder) { deep(b, n-1) })
	}
}

// octetsOf puts octets where an AVP goes, right or not.
func octetsOf(b *diameter.Builder, text string) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	b.Raw(raw)
}

// TestRefusals wants every fault found by the dictionary answered with its code and the AVP.
func TestRefusals(t *testing.T) {
	for _, c := range refusals {
		var b diameter.Builder
		b.Request(diameter.DisconnectPeer, 0, 0).Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b")
		c.fill(&b)
		m := parse(t, b.Done())
		var last diameter.AVP
		for a := range m.All() {
			last = a
		}
		t.Run(c.name, func(t *testing.T) {
			e := wantCode(t, diameter.Check(m), c.code)
			want := last.Raw()
			if c.failed == "-" {
				want = e.Failed
			} else if c.failed != "" {
				want = unhex(t, c.failed)
			}
			if !bytes.Equal(e.Failed, want) {
				t.Errorf("Failed-AVP holds %x, want %x", e.Failed, want)
			}
			answerFits(t, m, e)
		})
	}
}

// TestAnswers holds answers against the grammar that goes with their result.
func TestAnswers(t *testing.T) {
	var q, b diameter.Builder
	request := parse(t, arr(&q))
	if err := diameter.Check(parse(t, b.Reply(request, diameter.AuthenticationRejected, "h", "r").Done())); err != nil {
		t.Error("a refusal needs none of the AVPs of a success:", err)
	}
	wantCode(t, diameter.Check(parse(t, b.Reply(request, diameter.Success, "h", "r").Done())), diameter.MissingAVP)
	wantCode(t, diameter.Check(parse(t, b.Reply(request, diameter.MultiRoundAuth, "h", "r").Done())), diameter.MissingAVP)
	bare := parse(t, b.Answer(diameter.Header{Command: diameter.DeviceWatchdog}, diameter.UnableToDeliver).Done())
	if e := wantCode(t, diameter.Check(bare), diameter.MissingAVP); bare.Flags != diameter.ErrorBit || !strings.Contains(e.Text, "Origin-Host") {
		t.Errorf("flags %x, %v", bare.Flags, e)
	}
	other := b.Answer(diameter.Header{Command: diameter.DeviceWatchdog}, diameter.Success).Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b").Done()
	other = diameter.Remove(other, diameter.ResultCodeAVP)
	wantCode(t, diameter.Check(parse(t, other)), diameter.MissingAVP)
	late := b.Answer(request.Header, diameter.AuthenticationRejected).Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b").Text(diameter.SessionID, "s").Done()
	wantCode(t, diameter.Check(parse(t, late)), diameter.AVPNotAllowed)
	watchdog := b.Request(diameter.DeviceWatchdog, 0, diameter.Proxiable).Text(diameter.OriginHost, "a").Text(diameter.OriginRealm, "b").Done()
	wantCode(t, diameter.Check(parse(t, watchdog)), diameter.InvalidHdrBits)
	wantCode(t, diameter.Check(parse(t, b.Request(77, 0, 0).Done())), diameter.CommandUnsupported)
}

// TestProxyInfo wants it back in the answer, in its order (RFC 6733 §6.2), and a long AVP that failed not sent back whole.
func TestProxyInfo(t *testing.T) {
	var q, b diameter.Builder
	info := func(b *diameter.Builder, name string) {
		b.Group(diameter.ProxyInfo, func(b *diameter.Builder) { b.Text(diameter.ProxyHost, name).Bytes(diameter.ProxyState, []byte(name)) })
	}
	q.Request(diameter.SessionTermination, 0, diameter.Proxiable).Text(diameter.SessionID, "s")
	info(&q, "one")
	q.Text(diameter.UserName, strings.Repeat("\xff", diameter.MaxFailed))
	info(&q, "two")
	m := parse(t, q.Done())
	e := wantCode(t, diameter.Check(m), diameter.InvalidAVPValue)
	if want := []byte{0, 0, 0, 1, 0x40, 0, 0, 8}; !bytes.Equal(e.Failed, want) {
		t.Errorf("Failed-AVP holds %d octets", len(e.Failed))
	}
	a := parse(t, b.Reply(m, diameter.Success, "h", "r").Done())
	var got []string
	for x := range a.All() {
		if x.Key == diameter.ProxyInfo {
			in, _ := x.Group()
			host, _ := in.Find(diameter.ProxyHost)
			got = append(got, string(host.Data))
		}
	}
	if !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("Proxy-Info %q", got)
	}
}
