package ar

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"roam6/engine"
	keying "roam6/keying/krb5"
	"roam6/machine/iakerb"
	"roam6/wire/ip6"
	"roam6/wire/krb5"
	"roam6/wire/nd"
	"roam6/wire/subopt"
)

// The router among principals of Kerberos. It tells mobile nodes which realms are around, and takes what they ask KDCs there before they have an
// address that packets come back to (machine/iakerb). Its keys are for the strategies that open tickets.
//
//	RS, realms wanted            ─▶ RA: its own realm and Adjacent
//	NS with a token              ─▶ proxy ─▶ datagram or stream ─▶ KDC ─▶ NA with a token

// Kerberos is an access router's part in Kerberos.
type Kerberos struct {
	Principal string         // its own: mobileip/ar1.a.example@A.EXAMPLE
	Shared    string         // of the routers of its trust domain; "": none
	Keys      []KerberosKey  // of both
	Keytab    []byte         // or as a keytab has them
	Realms    []iakerb.Realm // KDCs: of its own realm, and those to which it passes on
	Proxy     bool
	Adjacent  []string // realms of the networks around
}

// KerberosKey is a key of one of a router's principals.
type KerberosKey struct {
	Principal string
	KVNO      uint32
	EType     int32
	Octets    []byte
}

// Format prints who it is and no key, for every verb.
func (k Kerberos) Format(f fmt.State, _ rune) { io.WriteString(f, "{"+k.Principal+" [key]}") }

// Format prints whose key it is, and never the key.
func (k KerberosKey) Format(f fmt.State, _ rune) { io.WriteString(f, "{"+k.Principal+" [key]}") }

// Entries are the keys of the router's principals, the router's own first and of each principal the newest first. What else a keytab has is not the
// router's.
func (k *Kerberos) Entries() ([]krb5.KeytabEntry, error) {
	all, err := k.all()
	if err != nil {
		return nil, err
	}
	var list []krb5.KeytabEntry
	for _, name := range []string{k.Principal, k.Shared} {
		if name == "" {
			continue
		}
		id, err := krb5.ParsePrincipal(name)
		if err != nil {
			return nil, err
		}
		from := len(list)
		for _, e := range all {
			if _, err := keying.NewKey(keying.EType(e.Key.EType), e.Key.Value); err == nil && e.Principal.Equal(id) {
				list = append(list, e)
			}
		}
		if len(list) == from {
			return nil, fmt.Errorf("there is no key of %s with an encryption type from 17 to 20", name)
		}
		slices.SortStableFunc(list[from:], func(a, b krb5.KeytabEntry) int { return int(b.KVNO) - int(a.KVNO) })
	}
	return list, nil
}

func (k *Kerberos) all() (list []krb5.KeytabEntry, err error) {
	if len(k.Keys) == 0 {
		return krb5.ParseKeytab(k.Keytab)
	}
	for _, x := range k.Keys {
		id, err := krb5.ParsePrincipal(x.Principal)
		if err != nil {
			return nil, err
		}
		if _, err := keying.NewKey(keying.EType(x.EType), x.Octets); err != nil {
			return nil, err
		}
		list = append(list, krb5.KeytabEntry{Principal: id, KVNO: x.KVNO, Key: krb5.EncryptionKey{EType: x.EType, Value: x.Octets}})
	}
	return list, nil
}

// Names and limits.
const (
	slotBind  = "ar.iakerb " // with the number of the slot behind it: its UDP port
	firstConn = 1<<62 | 1    // of those to KDCs; the Diameter node of the gatekeeper counts from 1
	// RealmsBurst and RealmsRate are how many solicitations for realms are answered, at once and a second.
	RealmsBurst, RealmsRate = 32, 16
)

// kerberos is the state.
type kerberos struct {
	realms []string // told
	proxy  *iakerb.Proxy
	told   engine.Bucket
	ports  [iakerb.Slots]bool        // that are bound
	conns  [iakerb.Slots]engine.Conn // 0: none
	unsent [iakerb.Slots][]byte      // to be written when it is open
	last   engine.Conn
	nodes  []seen // whose tokens are under way, the oldest first
	links  []*link
}

// seen is how a node is answered.
type seen struct {
	node netip.Addr
	link *link
	hw   [6]byte
}

func newKerberos(c *Kerberos, links []*link) (*kerberos, error) {
	if _, err := c.Entries(); err != nil {
		return nil, err
	}
	id, err := krb5.ParsePrincipal(c.Principal)
	if err != nil {
		return nil, err
	}
	k := &kerberos{realms: []string{id.Realm}, last: firstConn - 2, links: links}
	for _, r := range c.Adjacent {
		if !slices.Contains(k.realms, r) && len(k.realms) < subopt.MaxRealms {
			k.realms = append(k.realms, r)
		}
	}
	if c.Proxy {
		if k.proxy, err = iakerb.New(iakerb.Config{Realm: id.Realm, Realms: c.Realms}); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// solicited answers who asks for realms: draft-koodli-mobileip-fastv6-02 §6.1.1.
//
// spec FH-17 RT-40
func (k *kerberos) solicited(now engine.Now, in engine.Packet, p *ip6.Packet, rs *nd.RouterSolicitation, out *engine.Effects) {
	l := k.linkOf(in)
	if h := rs.Options.Handover; l == nil || h == nil || !h.RealmsWanted || p.Src.IsUnspecified() {
		return
	}
	if !k.told.Take(now.Mono, RealmsBurst, RealmsRate) {
		out.Drop("realms-too-often", engine.A("from", p.Src))
		return
	}
	ra := l.adv.Message()
	told := subopt.Handover{}
	if ra.Options.Handover != nil {
		told = *ra.Options.Handover
	}
	told.Realms = k.realms
	ra.Options.Handover = &told
	k.send(l, p.Src, in.From, ra, out)
}

func (k *kerberos) linkOf(in engine.Packet) *link {
	for _, l := range k.links {
		if l.cfg.Port == in.Port && l.up {
			return l
		}
	}
	return nil
}

// send sends a message of neighbour discovery to a node of a link.
func (k *kerberos) send(l *link, to netip.Addr, hw [6]byte, m nd.Message, out *engine.Effects) {
	p := ip6.Packet{Header: ip6.Header{HopLimit: nd.HopLimit, Src: ip6.LinkLocal(l.hw), Dst: to}, Proto: ip6.ProtoICMPv6}
	p.Payload = nd.Append(nil, p.Src, to, m)
	data := p.Append(nil)
	if l.mtu > 0 && len(data) > l.mtu { // neighbour discovery has no fragments: RFC 6980
		out.Drop("token-too-long", engine.A("to", to), engine.S("octets", strconv.Itoa(len(data))))
		return
	}
	out.Send(l.cfg.Port, hw, data)
}

// token takes a token in a solicitation for the router itself.
//
// spec RT-30
func (k *kerberos) token(now engine.Now, in engine.Packet, p *ip6.Packet, ns *nd.NeighborSolicitation, out *engine.Effects) {
	l, h := k.linkOf(in), ns.Options.Handover
	if l == nil || k.proxy == nil || h == nil || len(h.Kerberos) == 0 || p.Src.IsUnspecified() || ns.Target != ip6.LinkLocal(l.hw) || p.Dst.IsMulticast() {
		return
	}
	k.nodes = slices.DeleteFunc(k.nodes, func(s seen) bool { return s.node == p.Src })
	if len(k.nodes) > 2*iakerb.Slots { // those before them wait for nothing any more
		k.nodes = slices.Delete(k.nodes, 0, len(k.nodes)-iakerb.Slots)
	}
	k.nodes = append(k.nodes, seen{p.Src, l, in.From})
	k.facts(k.proxy.Heard(now, p.Src, h.Kerberos, out), out)
}

// facts carries octets between nodes and KDCs.
func (k *kerberos) facts(facts []iakerb.Fact, out *engine.Effects) {
	for _, f := range facts {
		switch f := f.(type) {
		case iakerb.Ask:
			k.ask(f, out)
		case iakerb.Over:
			k.hangUp(f.Slot, out)
		case iakerb.Reply:
			if i := slices.IndexFunc(k.nodes, func(s seen) bool { return s.node == f.Node }); i >= 0 {
				s := k.nodes[i]
				na := &nd.NeighborAdvertisement{Router: true, Solicited: true, Target: ip6.LinkLocal(s.link.hw),
					Options: nd.Options{TargetHW: s.link.hw, Handover: &subopt.Handover{Kerberos: f.Token}}}
				k.send(s.link, s.node, s.hw, na, out)
			}
		}
	}
}

func (k *kerberos) ask(f iakerb.Ask, out *engine.Effects) {
	k.hangUp(f.Slot, out)
	if f.Stream {
		k.last += 2
		k.conns[f.Slot], k.unsent[f.Slot] = k.last, f.Data
		out.Dial(engine.Dial{Conn: k.last, To: f.KDC})
		return
	}
	name := slotBind + strconv.Itoa(int(f.Slot))
	if !k.ports[f.Slot] {
		k.ports[f.Slot] = true
		out.Bind(engine.Bind{Name: name})
	}
	out.Datagram(engine.Datagram{Name: name, Peer: f.KDC, Data: f.Data})
}

func (k *kerberos) hangUp(s iakerb.Slot, out *engine.Effects) {
	if c := k.conns[s]; c != 0 {
		k.conns[s] = 0
		out.Close(c)
	}
}

// heard takes what comes over the host's sockets; false if it is for somebody else.
func (k *kerberos) heard(now engine.Now, in engine.Input, out *engine.Effects) bool {
	if k == nil {
		return false
	}
	switch in := in.(type) {
	case engine.Datagram:
		if s, ok := slotOf(in.Name); ok && k.proxy != nil {
			k.facts(k.proxy.HeardFrom(now, s, in.Peer, in.Data, out), out)
			return true
		}
	case engine.Opened:
		if i := slices.Index(k.conns[:], in.Conn); i >= 0 {
			out.Write(in.Conn, k.unsent[i])
			k.unsent[i] = nil
		}
		return in.Conn >= firstConn && in.Conn.Dialled()
	case engine.Stream:
		if i := slices.Index(k.conns[:], in.Conn); i >= 0 {
			k.facts(k.proxy.HeardStream(now, iakerb.Slot(i), in.Data, out), out)
		}
		return in.Conn >= firstConn && in.Conn.Dialled()
	case engine.Closed:
		if s, ok := slotOf(in.Listener); ok {
			k.ports[s] = false
			out.Event("kerberos.no-port", engine.S("reason", in.Reason))
			return true
		}
		if i := slices.Index(k.conns[:], in.Conn); in.Conn != 0 && i >= 0 {
			k.conns[i] = 0
			k.facts(k.proxy.Lost(now, iakerb.Slot(i), out), out)
		}
		return in.Conn >= firstConn && in.Conn.Dialled()
	}
	return false
}

// slotOf is the slot whose port has a name.
func slotOf(name string) (iakerb.Slot, bool) {
	text, ok := strings.CutPrefix(name, slotBind)
	n, err := strconv.Atoi(text)
	return iakerb.Slot(n), ok && err == nil && n >= 0 && n < int(iakerb.Slots)
}

func (k *kerberos) tick(now engine.Now, out *engine.Effects) {
	if k != nil && k.proxy != nil {
		k.facts(k.proxy.Tick(now, out), out)
	}
}

func (k *kerberos) deadline() (engine.Mono, string) {
	if k == nil || k.proxy == nil {
		return engine.Never, ""
	}
	return k.proxy.Deadline()
}

// KerberosView is what a router shows of its part in Kerberos.
type KerberosView struct {
	Realms []string     `json:"realms"`           // told to who asks
	Proxy  *iakerb.View `json:"iakerb,omitempty"` // of what mobile nodes ask KDCs
}

func (k *kerberos) view() *KerberosView {
	if k == nil {
		return nil
	}
	v := &KerberosView{Realms: slices.Clone(k.realms)}
	if k.proxy != nil {
		p := k.proxy.View()
		v.Proxy = &p
	}
	return v
}
