package scenario

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Kerberos in two-operators: a KDC at home and one in each operator, which trust one another (docs/kerberos.md). They stand behind all other nodes, as
// those of AAA do, and need none of them.

// Third groups of the wires to the KDCs.
const (
	infraKDCHome = 0x32
	infraKDCA    = 0xaa
	infraKDCB    = 0xba
)

const (
	krb5Type = 20 // aes256-cts-hmac-sha384-192, RFC 8009
	krb5KVNO = 1
)

// realmKDC is a KDC of two-operators.
type realmKDC struct {
	name, at, realm string
	link            int
}

var kdcs = []realmKDC{{"kdch", "ha", "HOME.EXAMPLE", infraKDCHome}, {"kdca", "opa", "A.EXAMPLE", infraKDCA}, {"kdcb", "opb", "B.EXAMPLE", infraKDCB}}

func (b *builder) kerberos() bool {
	return b.s.Topology == TwoOperators && (b.s.Mobile.Kerberos == kerberosOn || b.o.Strategy == fastByTickets)
}

// kerberosOn is a value of Mobile.Kerberos.
const kerberosOn = "on"

func krbtgt(realm, at string) string { return "krbtgt/" + realm + "@" + at }

// realm is that of an access router.
func (a accessCell) realm() string { o, _ := a.diameter(); return strings.ToUpper(o.realm) }

// principal is an access router's own, shared the one of its trust domain.
func (a accessCell) principal() string {
	_, host := a.diameter()
	return "mobileip/" + host + "@" + a.realm()
}
func (a accessCell) shared() string {
	return "mobileip/access." + strings.ToLower(a.realm()) + "@" + a.realm()
}

// serviceKey is the key of a service, at both ends of a trust between realms the same.
func (b *builder) serviceKey(principal string) []byte {
	k := b.derive("krb5 key", principal)
	return k[:]
}

// services are the principals of a realm besides its users.
func (b *builder) services(realm string) []byte {
	type key struct {
		KVNO  int    `json:"kvno"`
		EType int    `json:"etype"`
		Key   []byte `json:"key"`
	}
	type principal struct {
		Name    string   `json:"name"`
		Kind    string   `json:"kind"`
		Enabled bool     `json:"enabled"`
		Keys    []key    `json:"keys"`
		Flags   []string `json:"flags"`
	}
	tgs := []string{"server", "forwardable", "proxiable", "renewable"}
	all := append([]string{"client", "user-to-user", "preauth"}, tgs...)
	var out []byte
	add := func(name string, flags []string) {
		line, err := json.Marshal(principal{name, "service", true, []key{{krb5KVNO, krb5Type, b.serviceKey(name)}}, flags})
		if err != nil {
			panic("scenario: " + err.Error()) // plain values always print
		}
		out = append(append(out, line...), '\n')
	}
	for _, k := range kdcs {
		add(krbtgt(k.realm, realm), tgs)
		if k.realm != realm {
			add(krbtgt(realm, k.realm), tgs)
		}
	}
	shared := ""
	for _, a := range accessCells {
		if a.realm() != realm {
			continue
		}
		if add(a.principal(), all); shared == "" {
			shared = a.shared()
			add(shared, all)
		}
	}
	return out
}

// kdcPoint is where a KDC is asked.
func kdcPoint(k realmKDC) string {
	return fmt.Sprintf("{realm: %s, kdcs: [{address: %s}]}", k.realm, infra(k.link, 2))
}

// knownKDCs is the list of those that mobile nodes and access routers know.
func knownKDCs() string {
	var list []string
	for _, k := range kdcs {
		list = append(list, kdcPoint(k))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// trust adds the KDCs, and what those that are there need for them.
func (b *builder) trust() {
	if !b.kerberos() {
		return
	}
	if !b.aaa() {
		b.route("core", Route{Dst: infraOfHome, Via: infra(infraHA, 2), Iface: "ha"})
	}
	for _, k := range kdcs {
		var others []string
		for _, o := range kdcs {
			if o != k {
				others = append(others, kdcPoint(o))
			}
		}
		n := Node{Principals: b.services(k.realm)}
		if k.realm == kdcs[0].realm {
			n.Subscribers = b.subscribers()
		}
		n.Config = fmt.Appendf(nil, "name: %s\ndatabase: {at: /var/lib/roam6/subscribers.db}\nroles:\n  - kdc:\n      realm: %s\n      realms: [%s]\n",
			k.name, k.realm, strings.Join(others, ", "))
		b.wire(k.at, k.name, aaaDelay)
		b.spur(k.at, k.name, k.link, n)
	}
}

// mobileKerberos is a mobile node's part.
func (b *builder) mobileKerberos(i int) string {
	if !b.kerberos() {
		return ""
	}
	return fmt.Sprintf("      kerberos: {key: \"%x\", realms: %s}\n", b.longTerm(i), knownKDCs())
}

// routerKerberos is an access router's part. It tells of the realms that are no farther than the next operator.
func (b *builder) routerKerberos(a accessCell) string {
	if !b.kerberos() {
		return ""
	}
	var adjacent, keys []string
	for _, o := range accessCells {
		if r := o.realm(); r != a.realm() {
			adjacent = append(adjacent, r)
			break
		}
	}
	for _, name := range []string{a.principal(), a.shared()} {
		keys = append(keys, fmt.Sprintf("{principal: %s, kvno: %d, type: %d, key: \"%x\"}", name, krb5KVNO, krb5Type, b.serviceKey(name)))
	}
	return fmt.Sprintf("      kerberos:\n        principal: %s\n        shared: %s\n        keys: [%s]\n        realms: %s\n        adjacent: [%s]\n",
		a.principal(), a.shared(), strings.Join(keys, ", "), knownKDCs(), strings.Join(adjacent, ", "))
}

func kerberosWires(s *Scenario) (out []string) {
	if s.Mobile.Kerberos == kerberosOn {
		for _, k := range kdcs {
			out = append(out, k.at+"-"+k.name)
		}
	}
	return out
}

func kerberosNodes(s *Scenario) (out []string) {
	if s.Mobile.Kerberos == kerberosOn {
		for _, k := range kdcs {
			out = append(out, k.name)
		}
	}
	return out
}

func (c *checker) kerberos() {
	m := &c.s.Mobile
	c.want(m.Kerberos != kerberosOn || c.s.Topology == TwoOperators, "mn.kerberos", m.Kerberos, "off, with an explicit topology: write the nodes' configurations")
}
