package diameter

import "encoding/binary"

// maxRules is the most rules of one grammar; the generator refuses a longer one.
const maxRules = 48

// errorAnswer is the grammar of an answer that reports a failure, RFC 6733 §7.2: what it must have, whatever its command.
var errorAnswer = []rule{
	{uint16(indexOf(OriginHost)), 1, 1, false}, {uint16(indexOf(OriginRealm)), 1, 1, false}, {uint16(indexOf(ResultCodeAVP)), 0, 1, false},
	{uint16(indexOf(SessionID)), 0, 1, true}, {uint16(indexOf(FailedAVP)), 0, 0, false}, {uint16(indexOf(ExperimentalResult)), 0, 1, false}, {},
}

// checker walks one message.
type checker struct {
	avps  int           // seen so far
	path  [MaxDepth]AVP // the groups it is in
	depth int
}

// Check holds a message against the dictionary, as who answers it must (an agent need not, RFC 6733 §6.1.9): the flags of its command; AVPs
// that it must have, may not have, may have once; flags, length and value of each AVP; unknown AVPs with the M flag; all of this in groups
// as well. An answer that reports a failure need only have what RFC 6733 §7.2 asks for. It allocates nothing unless it fails; its error is
// an *Error.
//
// spec DM-02 DM-03
func Check(m Message) error {
	c := commandOf(m.Header)
	if c == nil {
		if anyApp(m.Header) {
			return fail(ApplicationUnsupported, "command %d is not one of application %d", m.Command, m.App)
		}
		return fail(CommandUnsupported, "command %d of application %d is not known", m.Command, m.App)
	}
	if m.Flags&Proxiable != 0 && !c.proxiable {
		return fail(InvalidHdrBits, "%s with the P flag: it goes no further than one hop", m.CommandName())
	}
	rules := c.request
	if !m.IsRequest() {
		rules = c.answer
		if failed(m) {
			rules = errorAnswer
		}
	}
	var w checker
	if err := w.list(m.AVPs(), rules); err != nil {
		return err
	}
	return hasResult(m)
}

// hasResult wants an answer to have Result-Code or, in its place, Experimental-Result (RFC 6733 §7.6).
func hasResult(m Message) error {
	if m.IsRequest() {
		return nil
	}
	_, base := m.Find(ResultCodeAVP)
	if _, other := m.Find(ExperimentalResult); base || other {
		return nil
	}
	e := fail(MissingAVP, "Result-Code is missing")
	e.Failed = zeroFilled(ResultCodeAVP, Mandatory, Unsigned32)
	return e
}

// anyApp says whether the command exists in another application.
func anyApp(h Header) bool {
	for i := range commands {
		if commands[i].code == h.Command {
			return true
		}
	}
	return false
}

// failed says whether an answer reports something else than success or another round.
func failed(m Message) bool {
	if m.Flags&ErrorBit != 0 {
		return true
	}
	if a, ok := m.Find(ResultCodeAVP); ok && len(a.Data) == 4 {
		c := ResultCode(binary.BigEndian.Uint32(a.Data))
		return !c.Success() && c != MultiRoundAuth
	}
	_, experimental := m.Find(ExperimentalResult)
	return experimental
}

// list checks a message or group whose frame is known to be right.
func (w *checker) list(l List, rules []rule) *Error {
	var seen [maxRules]uint16
	open, place, from := false, 0, 0
	for _, r := range rules {
		open = open || r.index == 0
	}
	for b := []byte(l); len(b) > 0; place++ {
		a, rest, _ := next(b)
		b = rest
		if w.avps++; w.avps > MaxAVPs {
			return w.blame(UnableToComply, a, "more than %d AVPs with those in groups", MaxAVPs)
		}
		i := indexOf(a.Key)
		if i == 0 {
			if a.Flags&Mandatory != 0 {
				return w.blame(AVPUnsupported, a, "%s is not known and has the M flag", a.Name())
			}
			continue
		}
		if err := w.one(a, &definitions[i]); err != nil {
			return err
		}
		n := ruleOf(i, rules, from)
		if n < 0 {
			if !open {
				return w.blame(AVPNotAllowed, a, "%s does not belong here", a.Name())
			}
			continue
		}
		seen[n]++
		from = n
		switch r := &rules[n]; {
		case r.max > 0 && seen[n] > r.max:
			return w.blame(AVPOccursTooManyTimes, a, "%s more than once", a.Name())
		case r.fixed && place != 0:
			return w.blame(AVPNotAllowed, a, "%s must come first", a.Name())
		}
	}
	for i, r := range rules {
		if r.index != 0 && seen[i] < r.min {
			d := &definitions[r.index]
			e := fail(MissingAVP, "%s is missing", d.Name)
			e.Failed = zeroFilled(d.Key, flagsOf(d.Key), d.Type)
			return w.wrap(e)
		}
	}
	return nil
}

// ruleOf finds the rule of an AVP, of which a grammar has one, or -1. It looks from that of the AVP before: most senders keep to the order.
func ruleOf(i int, rules []rule, from int) int {
	for n := from; n < len(rules); n++ {
		if int(rules[n].index) == i {
			return n
		}
	}
	for n := range from {
		if int(rules[n].index) == i {
			return n
		}
	}
	return -1
}

// one checks the flags and the value of an AVP that is known, and what is in it.
func (w *checker) one(a AVP, d *Definition) *Error {
	if a.Flags&reservedAVPBits != 0 || a.Flags&d.Must != d.Must || a.Flags&d.MustNot != 0 {
		return w.blame(InvalidAVPBits, a, "%s with flags 0x%02x", d.Name, uint8(a.Flags))
	}
	n, exact := d.Type.least()
	if len(a.Data) < n || exact && len(a.Data) != n {
		return w.blame(InvalidAVPLength, a, "%s with %d octets of data", d.Name, len(a.Data))
	}
	if d.Type == Grouped {
		return w.group(a)
	}
	if why := wrong(a, d); why != nil {
		return w.blame(why.Code, a, "%s: %s", d.Name, why.Text)
	}
	return nil
}

// group goes into a grouped AVP.
func (w *checker) group(a AVP) *Error {
	if a.Key == FailedAVP {
		return nil // holds what is wrong, by its nature
	}
	if w.depth == MaxDepth {
		return w.blame(UnableToComply, a, "groups inside groups, over %d of them", MaxDepth)
	}
	w.path[w.depth] = a
	w.depth++
	l := List(a.Data)
	for b := []byte(l); len(b) > 0; {
		_, rest, ok := next(b)
		if !ok {
			e := lies(b)
			e.Text = "in " + a.Name() + ": " + e.Text
			return w.wrap(e)
		}
		b = rest
	}
	if err := w.list(l, groups[indexOf(a.Key)]); err != nil {
		return err
	}
	w.depth--
	return nil
}

// blame makes the error: the AVP, inside the groups it was found in (RFC 6733 §7.5).
func (w *checker) blame(code ResultCode, a AVP, format string, args ...any) *Error {
	return w.wrap(failAVP(code, a, format, args...))
}

// wrap puts what failed into the groups around it.
func (w *checker) wrap(e *Error) *Error {
	for i := w.depth - 1; i >= 0; i-- {
		g := w.path[i]
		e.Failed = append(appendHead(nil, g.Key, g.Flags&^VendorBit, len(e.Failed)), e.Failed...)
	}
	return e
}
