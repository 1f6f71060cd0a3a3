package subopt

import (
	"encoding/binary"
	"net/netip"

	"roam6/wire"
	"roam6/wire/ip6"
)

// Handover is what the suboptions of the handover drafts say, in a message of package wire/fast or in an option of neighbour discovery.
// A zero field is a suboption that is absent. docs/fast.md draws them.
type Handover struct {
	Principal      Principal  // §5.1 and appendix B.3: whom a ticket is wanted for
	Strictness     Strictness // B.3: the negotiation flag
	Kerberos       []byte     // B.3: a message of RFC 4120 §5, or a ticket (the reverse ticket of B.4)
	Lightweight    []byte     // §6.1: a message of docs/lwkrb.md
	RealmsWanted   bool       // §6.1.1, B.4: the adjacent realms and a reverse ticket, please
	Realms         []string   // §6.1.1, B.4: the adjacent realms, at most MaxRealms
	TGT            []byte     // B.2: a ticket-granting ticket, RFC 4120 §5.3
	Control        Control    // §2
	Context        []Context  // §2, §6: at most MaxContexts
	PreviousCareOf netip.Addr // §2
	LinkLayer      [6]byte    // of the mobile node on the new link
	Embedded       []byte     // §2: a whole IPv6 packet with a Binding Update; what is in it is not looked at here
	Reason         Reason     // of a Handover Error
	Life           uint32     // of a router, in its advertisements: another one knows nobody that was known before; 0: not told
}

// Limits.
const (
	MaxText     = 255 // octets of the name or the realm of a principal: what one octet of length can say
	MaxRealms   = 32  // in one list; a router has fewer neighbours
	MaxContexts = 16  // in one message
)

// Principal is a name of RFC 4120 §6.2 and its realm, without escapes: components are separated by "/".
type Principal struct{ Name, Realm string }

// String is "NAME@REALM", empty for none.
func (p Principal) String() string {
	if p == (Principal{}) {
		return ""
	}
	return p.Name + "@" + p.Realm
}

// Strictness is the negotiation flag: what a handover needs besides the old router's word. Greater is stricter.
type Strictness uint8

// The values of draft-blair-rt-mobileipv6-seamoby-00 appendix B.3; 0 is none.
const (
	Local  Strictness = 1 // L: the old router passes keys and state
	Both   Strictness = 2 // B: so that packets flow, and Kerberos after it
	Global Strictness = 3 // G: Kerberos first
)

// Answers says whether s may answer a message that had asked: "the same flag or a more strict flag".
//
// spec RT-33
func (s Strictness) Answers(asked Strictness) bool { return s >= asked && s <= Global && s != 0 }

// String is the letter of the draft, "-" for none.
func (s Strictness) String() string {
	if s > Global {
		return "?"
	}
	return "-LBG"[s : s+1]
}

// Control is a set of flags between routers.
type Control uint8

// Buffer asks the new router to hold packets for the mobile node until it is there.
const Buffer Control = 0x80

// ContextKind says what a context is about.
type ContextKind uint8

// The kinds. What their octets mean is the roles' business; ContextKeys may travel encrypted only.
const (
	ContextKeys    ContextKind = 1 // secret keys
	ContextSession ContextKind = 2 // who the mobile node is and what it may do
	ContextHeaders ContextKind = 3 // state of header compression
)

// Context is one piece of state that goes from the old router to the new one.
type Context struct {
	Kind ContextKind
	Data []byte
}

// Reason says why a handover fails.
type Reason uint8

// The reasons; 0 is none given, as in the draft.
const (
	AddressInUse  Reason = 1 // §4: another node has the new care-of address
	NotAuthentic  Reason = 2 // the lightweight Kerberos message was refused
	NotAuthorized Reason = 3 // the mobile node may not enter
	NoKDC         Reason = 4 // no key distribution centre answered in time
	TooMany       Reason = 5 // the new router has no room
	BadLinkLayer  Reason = 6 // no link-layer address was given and none follows from the care-of address
)

// Sizes in octets.
const (
	contextHeader  = 4 // kind, reserved, length of the data
	realmsReserved = 2
)

// String says what a reason means.
func (r Reason) String() string {
	names := [...]string{"no reason given", "address in use", "not authentic", "not authorized", "no KDC answers", "no room", "no link-layer address"}
	if int(r) >= len(names) {
		return "unknown reason"
	}
	return names[r]
}

// IsZero says that there is no suboption.
func (h *Handover) IsZero() bool {
	return h.Principal == (Principal{}) && h.Strictness == 0 && len(h.Kerberos) == 0 && len(h.Lightweight) == 0 && !h.RealmsWanted &&
		len(h.Realms) == 0 && len(h.TGT) == 0 && h.Control == 0 && len(h.Context) == 0 && !h.PreviousCareOf.IsValid() &&
		h.LinkLayer == [6]byte{} && len(h.Embedded) == 0 && h.Reason == 0 && h.Life == 0
}

// Len is the length of what Append writes, in octets.
func (h *Handover) Len() int { return len(h.Append(nil)) }

// Append writes the suboptions in the order of their types.
func (h *Handover) Append(b []byte) []byte {
	if p := h.Principal; p != (Principal{}) {
		b = Append(b, KerberosName, appendText(appendText(nil, p.Name), p.Realm))
	}
	if h.Strictness != 0 {
		b = Append(b, Negotiation, []byte{uint8(h.Strictness)})
	}
	b = appendSome(b, KerberosMessage, h.Kerberos)
	b = appendSome(b, Lightweight, h.Lightweight)
	if h.RealmsWanted {
		b = Append(b, RealmsRequest, make([]byte, realmsReserved))
	}
	var list []byte
	for _, r := range h.Realms {
		list = appendText(list, r)
	}
	b = appendSome(b, RealmList, list)
	b = appendSome(b, TGT, h.TGT)
	if h.Control != 0 {
		b = Append(b, ControlFlags, []byte{uint8(h.Control)})
	}
	list = nil
	for _, c := range h.Context {
		list = binary.BigEndian.AppendUint16(append(list, uint8(c.Kind), 0), uint16(len(c.Data)))
		list = append(list, c.Data...)
	}
	b = appendSome(b, ContextData, list)
	if h.PreviousCareOf.IsValid() {
		a := h.PreviousCareOf.As16()
		b = Append(b, PreviousCareOf, a[:])
	}
	if h.LinkLayer != [6]byte{} {
		b = Append(b, LinkLayer, h.LinkLayer[:])
	}
	if h.Reason != 0 {
		b = Append(b, FailureReason, []byte{uint8(h.Reason)})
	}
	if h.Life != 0 {
		b = Append(b, RouterLife, binary.BigEndian.AppendUint32(nil, h.Life))
	}
	return appendSome(b, Embedded, h.Embedded)
}

func appendSome(b []byte, kind uint8, v []byte) []byte {
	if len(v) == 0 {
		return b
	}
	return Append(b, kind, v)
}

func appendText(b []byte, s string) []byte { return append(append(b, uint8(len(s))), s...) }

// ParseHandover reads a list to its end. proto and base are those of Parse. A known type that comes twice, with another between, is
// refused, an unknown one skipped. The result shares nothing with b.
//
// spec RT-41 FH-03 FH-17
func ParseHandover(proto string, b []byte, base int) (Handover, error) {
	list, err := Parse(proto, b, base)
	if err != nil {
		return Handover{}, err
	}
	var h Handover
	var seen [256]bool
	for _, v := range list {
		r := reader{proto: proto, at: base + v.At, b: v.Data}
		if !r.into(&h, v.Type) {
			continue
		}
		if seen[v.Type] {
			return Handover{}, wire.Fail(proto, "Type", base+v.At, wire.ErrValue)
		}
		if seen[v.Type] = true; r.err != nil {
			return Handover{}, r.err
		}
	}
	return h, nil
}

// into puts a value into its field and says whether its type is known. Errors of the value are left in r.
func (r *reader) into(h *Handover, kind uint8) bool {
	switch kind {
	case KerberosName:
		h.Principal = Principal{r.text("Kerberos Principal Name"), r.text("Kerberos Principal Realm")}
		r.end("Length")
	case Negotiation:
		h.Strictness = Strictness(r.octet("Flags"))
		r.must("Flags", h.Strictness >= Local && h.Strictness <= Global)
	case KerberosMessage:
		h.Kerberos = r.kerberos("Kerberos Message", 0)
	case Lightweight:
		h.Lightweight = r.some("Lightweight Kerberos Message")
	case RealmsRequest:
		r.exactly("Reserved", realmsReserved)
		h.RealmsWanted = true
	case RealmList:
		h.Realms = r.realms()
	case TGT:
		h.TGT = r.kerberos("Ticket", tagTicket)
	case ControlFlags:
		h.Control = Control(r.octet("Flags")) & Buffer
	case ContextData:
		h.Context = r.contexts()
	case PreviousCareOf:
		if d := r.exactly("Previous Care-of Address", 16); d != nil {
			h.PreviousCareOf = netip.AddrFrom16([16]byte(d))
			r.must("Previous Care-of Address", ip6.Routable(h.PreviousCareOf))
		}
	case LinkLayer:
		if d := r.exactly("Link-Layer Address", 6); d != nil {
			h.LinkLayer = [6]byte(d)
			r.must("Link-Layer Address", h.LinkLayer != [6]byte{})
		}
	case FailureReason:
		h.Reason = Reason(r.octet("Reason"))
	case RouterLife:
		if d := r.exactly("Life", 4); d != nil {
			h.Life = binary.BigEndian.Uint32(d)
			r.must("Life", h.Life != 0)
		}
	case Embedded:
		h.Embedded = r.some("Embedded Data")
	default:
		return false
	}
	return true
}
