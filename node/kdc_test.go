package node

import (
	"strings"
	"testing"

	"roam6/role/kdc"
)

// wholeKDC is a node with every key of a KDC, one a line.
const wholeKDC = `name: box
database: {at: subscribers.db}
roles:
  - kdc:
      realm: HOME.EXAMPLE
      listen:
        - {port: 88}
        - {address: "2001:db8:9::88", port: 750}
        - {address: 192.0.2.88}
      life: 8h
      renew_life: 24h
      sign_key: "00112233445566778899aabbccddeeff"
      per_source: 50
      all_sources: 1000
      realms:
        - {realm: B.EXAMPLE, transit: on, kdcs: [{address: "2001:db8:b::88"}, {address: 192.0.2.89, port: 750}]}
        - {realm: C.EXAMPLE, via: B.EXAMPLE, domains: [C.example, hosts.example]}
        - {realm: D.EXAMPLE, via: C.EXAMPLE}
`

// All of it is taken and built.
func TestKDC(t *testing.T) {
	c, err := Parse("box.yaml", []byte(wholeKDC))
	if err != nil {
		t.Fatal(err)
	}
	engines, err := Build(c, [32]byte{1})
	if err != nil || len(engines) != 1 || engines[0].Name != "kdc" {
		t.Fatal(engines, err)
	}
	v := engines[0].Engine.View().(kdc.View)
	if v.Realm != "HOME.EXAMPLE" || len(v.Realms) != 3 || v.Realms[2].Next != "B.EXAMPLE" || v.Realms[0].KDCs != 2 {
		t.Errorf("%+v", v)
	}
	if !c.LowPorts() || c.Packets() {
		t.Errorf("low ports %v, packets %v", c.LowPorts(), c.Packets())
	}
	k := keyServer(c.Roles[0].KDC)
	if k.Listen[0].Addr().IsValid() || k.Listen[2].Port() != 88 || k.Realms[1].Domains[0] != "c.example" || k.Realms[0].KDCs[0].Port() != 88 {
		t.Errorf("%+v", k)
	}
}

// A KDC that says nothing of where it listens has port 88 of every address, and keeps the privilege for it; one above does not.
func TestKDCPorts(t *testing.T) {
	for listen, want := range map[string]bool{"": true, ", listen: [{port: 1023}]": true, ", listen: [{port: 1024}]": false} { //order:any
		c, err := Parse("box.yaml", []byte("name: k\ndatabase: {at: s.db}\nroles: [{kdc: {realm: A.EXAMPLE"+listen+"}}]\n"))
		if err != nil || c.LowPorts() != want {
			t.Errorf("%q: %v, %v", listen, c.LowPorts(), err)
		}
	}
}

// Every mistake is told with line, key and what is allowed, and no secret.
func TestKDCMistakes(t *testing.T) {
	const secret = "00112233445566778899aabbccddeeff"
	for _, c := range []struct{ old, new, line, key, allowed string }{
		{"database: {at: subscribers.db}", "", "5", "roles[0].kdc", "principal add"},
		{"realm: HOME.EXAMPLE", "realm: HOME EXAMPLE", "5", "roles[0].kdc.realm", "upper case"},
		{"{port: 88}", "{port: 0}", "7", "roles[0].kdc.listen[0].port", "65535"},
		{`"2001:db8:9::88", port: 750`, `"ff02::1"`, "8", "roles[0].kdc.listen[1].address", "none for all"},
		{"{address: 192.0.2.88}", `{}`, "9", "roles[0].kdc.listen[2]", "not listened at"},
		{"life: 8h", "life: 8s", "10", "roles[0].kdc.life", "8760h"},
		{"renew_life: 24h", "renew_life: 9000h", "11", "roles[0].kdc.renew_life", "8760h"},
		{secret, secret[2:], "12", "roles[0].kdc.sign_key", "openssl rand"},
		{"per_source: 50", "per_source: 0", "13", "roles[0].kdc.per_source", "1 to"},
		{"all_sources: 1000", "all_sources: -1", "14", "roles[0].kdc.all_sources", "1 to"},
		{"{realm: B.EXAMPLE", "{realm: HOME.EXAMPLE", "16", "roles[0].kdc.realms[0].realm", "another realm"},
		{"transit: on", "transit: perhaps", "16", "roles[0].kdc.realms[0].transit", "off"},
		{`{address: "2001:db8:b::88"}`, `{address: "::"}`, "16", "roles[0].kdc.realms[0].kdcs[0].address", "a host"},
		{"port: 750}]", "port: 75000}]", "16", "roles[0].kdc.realms[0].kdcs[1].port", "65535"},
		{"{realm: B.EXAMPLE, transit", "{realm: B.EXAMPLE, via: C.EXAMPLE, transit", "16", "roles[0].kdc.realms[0].kdcs", "via"},
		{"[C.example,", "[C_example,", "17", "roles[0].kdc.realms[1].domains[0]", "domain name"},
		{"{realm: D.EXAMPLE, via: C", "{realm: D.EXAMPLE, via: D", "18", "roles[0].kdc.realms[2].via", "neighbour"},
		{"{realm: D.EXAMPLE, via: C", "{realm: C.EXAMPLE, via: C", "18", "roles[0].kdc.realms[2].realm", "once"},
	} {
		text := strings.Replace(wholeKDC, c.old, c.new, 1)
		if text == wholeKDC {
			t.Fatalf("%q is not in the text", c.old)
		}
		_, err := Parse("box.yaml", []byte(text))
		if err == nil {
			t.Errorf("%s: taken", c.new)
			continue
		}
		if got, want := err.Error(), "box.yaml:"+c.line+": "+c.key+":"; !strings.Contains(got, want) || !strings.Contains(got, c.allowed) || strings.Contains(got, secret[2:]) {
			t.Errorf("%s: %q lacks %q or %q, or shows the secret", c.new, got, want, c.allowed)
		}
	}
}
