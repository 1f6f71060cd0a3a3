package nd

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"roam6/wire"
	"roam6/wire/subopt"
)

// Option types.
const (
	OptSourceHW         uint8 = 1  // RFC 4861 §4.6.1
	OptTargetHW         uint8 = 2  // RFC 4861 §4.6.1
	OptPrefix           uint8 = 3  // RFC 4861 §4.6.2, RFC 6275 §7.2
	OptRedirectedHeader uint8 = 4  // RFC 4861 §4.6.3
	OptMTU              uint8 = 5  // RFC 4861 §4.6.4
	OptAdvInterval      uint8 = 7  // RFC 6275 §7.3
	OptHomeAgent        uint8 = 8  // RFC 6275 §7.4
	OptNonce            uint8 = 14 // RFC 3971 §5.3.2
)

// Limits. A message over one of them is refused with wire.ErrLimit: no honest router comes near, and each bounds what
// one packet can make a receiver do.
const (
	MaxOptions  = 64  // in one message
	MaxPrefixes = 32  // in one message
	optionUnit  = 8   // octets a Length counts in
	maxUnits    = 255 // the largest Length
)

// homeAgentRouters is the R flag in the first reserved octet of the Home Agent Information option, RFC 3963 §7.3.
const homeAgentRouters = 0x80

// MaxRawData is the most RawOption.Data can hold.
const MaxRawData = maxUnits*optionUnit - 2

// Options are the options of a message. A zero field is an option that is absent.
type Options struct {
	SourceHW    [6]byte          // RFC 4861 §4.6.1, the sender's link-layer address
	TargetHW    [6]byte          // RFC 4861 §4.6.1, that of the target
	Prefixes    []Prefix         // RFC 4861 §4.6.2
	MTU         uint32           // RFC 4861 §4.6.4, octets
	AdvInterval time.Duration    // RFC 6275 §7.3: longest time between two unasked advertisements; milliseconds on the wire
	HomeAgent   *HomeAgentInfo   // RFC 6275 §7.4
	Nonce       []byte           // RFC 3971 §5.3.2: 6 octets, or 8 more for each further unit
	NAAck       *NAAck           // RFC 5568 §6.4.6
	Access      *Access          // suboptions in the option of RFC 4727
	Handover    *subopt.Handover // the same for fast handovers, in an option of its own
	Unknown     []RawOption      // everything else, in order
}

// HomeAgentInfo is the Home Agent Information option, RFC 6275 §7.4.
type HomeAgentInfo struct {
	Preference    uint16        // higher is better; 0 is that of a home agent that sends no such option
	MobileRouters bool          // R: mobile routers are served too, RFC 3963 §7.3
	Lifetime      time.Duration // as a home agent, whole seconds up to 65535 s; never sent as 0, received as 0: forget it
}

// RawOption is an option as it came: Data follows the Length octet. Append pads it with zeros to whole 8 octets and
// panics if it is longer than MaxRawData: the caller splits such a value.
type RawOption struct {
	Type uint8
	Data []byte
}

// optionSet says which options are defined for a message. RFC 4861 §4.6 and RFC 6275 §7.3: the others are to be
// ignored silently.
type optionSet uint16

const (
	hasSourceHW optionSet = 1 << iota
	hasTargetHW
	hasPrefix
	hasMTU
	hasAdvInterval
	hasHomeAgent
	hasNonce
	hasNAAck
	hasAccess
	hasHandover
	// hasLoosePrefix is for a Redirect: RFC 4861 §8.1 knows no prefix there and has it ignored, whatever its octets, so one that is not right
	// stays among the unknown.
	hasLoosePrefix
)

// parse reads the options from offset at to the end of the message.
func (o *Options) parse(b []byte, at int, defined optionSet, src netip.Addr) error {
	return o.parseList(b[at:], at, defined, src)
}

// parseList reads a list of options that begins at an offset of its message.
func (o *Options) parseList(b []byte, base int, defined optionSet, src netip.Addr) error {
	return eachOption(b, base, func(opt []byte, at int) error {
		if opt[0] == OptSourceHW && defined&hasSourceHW != 0 && src.IsUnspecified() {
			return fail("Source Link-Layer Address", at, wire.ErrValue) // RFC 4861 §6.1.1, §7.1.1
		}
		taken, err := o.take(opt, at, defined)
		if err == nil && !taken {
			o.Unknown = append(o.Unknown, RawOption{Type: opt[0], Data: bytes.Clone(opt[2:])})
		}
		return err
	})
}

// cut gives the option at the start of b.
func cut(b []byte, at int) ([]byte, error) {
	if len(b) < 2 {
		return nil, fail("Length", at+1, wire.ErrTruncated)
	}
	size := int(b[1]) * optionUnit
	if size == 0 {
		// RFC 4861 §4.6: an option of length zero makes the whole message invalid.
		return nil, fail("Length", at+1, wire.ErrLength)
	}
	if size > len(b) {
		return nil, fail("Length", at+1, wire.ErrTruncated)
	}
	return b[:size], nil
}

// eachOption calls take with every option of a list and its offset in the message, until it fails. The list begins at an offset.
func eachOption(b []byte, base int, take func(opt []byte, at int) error) error {
	for n, at := 0, base; len(b) > 0; n++ {
		if n == MaxOptions {
			return fail("Options", at, wire.ErrLimit)
		}
		opt, err := cut(b, at)
		if err != nil {
			return err
		}
		if err := take(opt, at); err != nil {
			return err
		}
		b, at = b[len(opt):], at+len(opt)
	}
	return nil
}

// take puts one option into its field. It leaves alone what is not defined for the message, what the field cannot
// tell from absent, and a second option of a kind that comes once.
func (o *Options) take(opt []byte, at int, defined optionSet) (taken bool, err error) {
	switch kind := opt[0]; {
	case kind == OptSourceHW && defined&hasSourceHW != 0:
		return takeHW(&o.SourceHW, opt, at)
	case kind == OptTargetHW && defined&hasTargetHW != 0:
		return takeHW(&o.TargetHW, opt, at)
	case kind == OptPrefix && defined&hasPrefix != 0:
		return true, o.takePrefix(opt, at)
	case kind == OptPrefix && defined&hasLoosePrefix != 0:
		return o.takePrefix(opt, at) == nil, nil
	case kind == OptMTU && defined&hasMTU != 0:
		return o.takeMTU(opt, at)
	case kind == OptAdvInterval && defined&hasAdvInterval != 0:
		return o.takeAdvInterval(opt, at)
	case kind == OptHomeAgent && defined&hasHomeAgent != 0:
		return o.takeHomeAgent(opt, at)
	case kind == OptNonce && defined&hasNonce != 0 && o.Nonce == nil:
		o.Nonce = bytes.Clone(opt[2:])
		return true, nil
	case kind == OptNAAck && defined&hasNAAck != 0:
		return o.takeNAAck(opt, at)
	case kind == OptExperiment:
		return defined&hasAccess != 0 && o.takeAccess(opt) || defined&hasHandover != 0 && o.takeHandover(opt), nil
	}
	return false, nil
}

// takeHW reads a link-layer address option: Type, Length 1, six octets (RFC 2464 §6).
func takeHW(hw *[6]byte, opt []byte, at int) (bool, error) {
	if len(opt) != optionUnit {
		return false, fail("Length", at+1, wire.ErrLength)
	}
	got := [6]byte(opt[2:8])
	if *hw != [6]byte{} || got == [6]byte{} {
		return false, nil
	}
	*hw = got
	return true, nil
}

// takeMTU reads Type, Length 1, Reserved (2), MTU (4); RFC 4861 §4.6.4.
func (o *Options) takeMTU(opt []byte, at int) (bool, error) {
	v, err := word(opt, at)
	if err != nil || v == 0 || o.MTU != 0 {
		return false, err
	}
	o.MTU = v
	return true, nil
}

// takeAdvInterval reads Type, Length 1, Reserved (2), Advertisement Interval (4, milliseconds); RFC 6275 §7.3.
func (o *Options) takeAdvInterval(opt []byte, at int) (bool, error) {
	v, err := word(opt, at)
	if err != nil || v == 0 || o.AdvInterval != 0 {
		return false, err
	}
	o.AdvInterval = time.Duration(v) * time.Millisecond
	return true, nil
}

// takeHomeAgent reads Type, Length 1, R and Reserved (2), Preference (2), Lifetime (2, seconds); RFC 6275 §7.4, RFC 3963 §7.3.
func (o *Options) takeHomeAgent(opt []byte, at int) (bool, error) {
	v, err := word(opt, at)
	if err != nil || o.HomeAgent != nil {
		return false, err
	}
	o.HomeAgent = &HomeAgentInfo{Preference: uint16(v >> 16), MobileRouters: opt[2]&homeAgentRouters != 0,
		Lifetime: time.Duration(v&0xffff) * time.Second}
	return true, nil
}

// word is the second half of an option of one unit.
func word(opt []byte, at int) (uint32, error) {
	if len(opt) != optionUnit {
		return 0, fail("Length", at+1, wire.ErrLength)
	}
	return binary.BigEndian.Uint32(opt[4:]), nil
}

// append writes the options defined for a message in the order of their types, then the unknown ones.
func (o *Options) append(b []byte, defined optionSet, src netip.Addr) []byte {
	if defined&hasSourceHW != 0 && o.SourceHW != [6]byte{} && !src.IsUnspecified() {
		b = append(append(b, OptSourceHW, 1), o.SourceHW[:]...)
	}
	if defined&hasTargetHW != 0 && o.TargetHW != [6]byte{} {
		b = append(append(b, OptTargetHW, 1), o.TargetHW[:]...)
	}
	if defined&(hasPrefix|hasLoosePrefix) != 0 {
		b = AppendPrefixes(b, o.Prefixes)
	}
	if defined&hasMTU != 0 && o.MTU != 0 {
		b = appendWord(b, OptMTU, o.MTU)
	}
	if defined&hasAdvInterval != 0 && o.AdvInterval > 0 {
		// Never 0: that would say that the router does not tell.
		b = appendWord(b, OptAdvInterval, uint32(max(units(o.AdvInterval, time.Millisecond, 1<<32-1), 1)))
	}
	if defined&hasHomeAgent != 0 && o.HomeAgent != nil {
		lifetime := units(o.HomeAgent.Lifetime, time.Second, 1<<16-1)
		b = appendWord(b, OptHomeAgent, uint32(o.HomeAgent.Preference)<<16|uint32(lifetime))
		if o.HomeAgent.MobileRouters {
			b[len(b)-6] = homeAgentRouters
		}
	}
	if defined&hasNonce != 0 && len(o.Nonce) > 0 {
		b = RawOption{OptNonce, o.Nonce}.append(b)
	}
	if defined&hasNAAck != 0 && o.NAAck != nil {
		b = o.NAAck.append(b)
	}
	if defined&hasAccess != 0 && o.Access != nil {
		b = o.Access.append(b)
	}
	if defined&hasHandover != 0 && o.Handover != nil && !o.Handover.IsZero() {
		b = RawOption{OptExperiment, o.Handover.Append(nil)}.append(b)
	}
	for _, r := range o.Unknown {
		b = r.append(b)
	}
	return b
}

func appendWord(b []byte, kind uint8, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, kind, 1, 0, 0), v)
}

func (r RawOption) append(b []byte) []byte {
	if len(r.Data) > MaxRawData {
		panic(fmt.Sprintf("nd: option %d of %d octets; MaxRawData is %d", r.Type, len(r.Data), MaxRawData))
	}
	size := (2 + len(r.Data) + optionUnit - 1) / optionUnit * optionUnit
	b = append(b, r.Type, uint8(size/optionUnit))
	b = append(b, r.Data...)
	for pad := size - 2 - len(r.Data); pad > 0; pad-- {
		b = append(b, 0)
	}
	return b
}
