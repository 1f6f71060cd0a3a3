package node

import (
	"strings"
	"testing"

	"roam6/role/ar"
	"roam6/role/mn"
)

const keyOf16, keyOf32 = "00112233445566778899aabbccddeeff", "0f112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// wholeKerberos has every key of the two clients of Kerberos, one a line.
const wholeKerberos = `name: box
links: [{name: eth0, port: 1}, {name: wlan0, port: 2}]
roles:
  - ar:
      links: [{port: 1, prefix: "2001:db8:a:1::/64", address: "2001:db8:a:1::1"}]
      kerberos:
        principal: mobileip/ar1.a.example@A.EXAMPLE
        shared: mobileip/access.a.example@A.EXAMPLE
        keys:
          - {principal: mobileip/ar1.a.example@A.EXAMPLE, kvno: 3, type: 20, key: "KEY32"}
          - {principal: mobileip/access.a.example@A.EXAMPLE, kvno: 1, type: 17, key: "KEY16"}
        realms:
          - {realm: A.EXAMPLE, kdcs: [{address: "2001:db8:a:2::88"}, {address: "192.0.2.88", port: 750}]}
        proxy: on
        adjacent: [B.EXAMPLE]
  - mn:
      home_address: 2001:db8:0:1::100
      home_prefix: 2001:db8:0:1::/64
      nai: ann@home.example
      security: {auth: {spi: 256, key: "00112233445566778899aabbccddeeff00112233"}}
      kerberos:
        key: "KEY32"
        ask: either
        realms:
          - {realm: HOME.EXAMPLE, kdcs: [{address: "2001:db8:0:2::88"}]}
        want: [B.EXAMPLE]
        routers: [mobileip/access.b.example@B.EXAMPLE]
        life: 8h
        renew_life: 24h
`

func textKerberos() string {
	return strings.NewReplacer("KEY32", keyOf32, "KEY16", keyOf16).Replace(wholeKerberos)
}

// All of it is taken and built.
func TestKerberos(t *testing.T) {
	c, err := Parse("box.yaml", []byte(textKerberos()))
	if err != nil {
		t.Fatal(err)
	}
	engines, err := Build(c, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	router, mobile := engines[0].Engine.View().(ar.View).Kerberos, engines[1].Engine.View().(mn.View).Kerberos
	if router == nil || strings.Join(router.Realms, " ") != "A.EXAMPLE B.EXAMPLE" || router.Proxy == nil {
		t.Errorf("%+v", router)
	}
	if mobile == nil || mobile.Client.Client != "ann@HOME.EXAMPLE" || mobile.Waits == "" {
		t.Errorf("%+v", mobile)
	}
	list, err := routerKerberos(c.Roles[0].AR.Kerberos).Entries()
	if err != nil || len(list) != 2 || list[0].KVNO != 3 || list[1].Principal.String() != "mobileip/access.a.example@A.EXAMPLE" {
		t.Errorf("%v %v", list, err)
	}
	if m := mobileKerberos(c.Roles[1].MN.Kerberos); m.Principal != "ann@HOME.EXAMPLE" || m.Realms[0].KDCs[0].At.Port() != 88 {
		t.Errorf("%v", m)
	}
}

// Keytabs are named with their place, and what nobody read is not built.
func TestKeytabs(t *testing.T) {
	text := textKerberos()
	from, to := strings.Index(text, "        keys:\n"), strings.Index(text, "        realms:\n")
	text = text[:from] + "        keytab: /etc/roam6/tls/ar1.keytab\n" + text[to:]
	c, err := Parse("box.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	list := c.Keytabs()
	if len(list) != 1 || list[0].File != "/etc/roam6/tls/ar1.keytab" || list[0].Key != "roles[0].ar.kerberos.keytab" {
		t.Fatalf("%+v", list)
	}
	if _, err := Build(c, [32]byte{}); err == nil {
		t.Error("a router without its keys")
	}
	list[0].Set([]byte{5, 2})
	if _, err := Build(c, [32]byte{}); err == nil || !strings.Contains(err.Error(), "no key of mobileip/ar1.a.example@A.EXAMPLE") {
		t.Errorf("a keytab without them: %v", err)
	}
}

// Every mistake is told with line, key and what is allowed, and no secret.
func TestKerberosMistakes(t *testing.T) {
	for _, c := range []struct{ old, new, line, key, allowed string }{
		{"principal: mobileip/ar1.a.example@A.EXAMPLE\n", "principal: host/ar1.a.example@A.EXAMPLE\n", "7", "roles[0].ar.kerberos.principal", "mobileip/"},
		{"shared: mobileip/access.a.example@A", "shared: mobileip/access.a.example@B", "8", "roles[0].ar.kerberos.shared", "same realm"},
		{"        realms:\n          - {realm: A.", "        keytab: x\n        realms:\n          - {realm: A.", "12", "roles[0].ar.kerberos.keytab", "exactly one"},
		{"- {principal: mobileip/ar1.a", "- {principal: mobileip/ar2.a", "10", "roles[0].ar.kerberos.keys[0].principal", "principal or shared"},
		{"kvno: 3", "kvno: 0", "10", "roles[0].ar.kerberos.keys[0].kvno", "2147483647"},
		{"type: 17", "type: 23", "11", "roles[0].ar.kerberos.keys[1].type", "17, 18"},
		{"type: 17", "type: 18", "11", "roles[0].ar.kerberos.keys[1].key", "32 for"},
		{"- {realm: A.EXAMPLE, kdcs", "- {realm: C.EXAMPLE, kdcs", "13", "roles[0].ar.kerberos.realms", "own realm"},
		{`[{address: "2001:db8:a:2::88"}, {address: "192.0.2.88", port: 750}]`, "[]", "13", "roles[0].ar.kerberos.realms[0].kdcs", "1 to 8"},
		{"port: 750", "port: 0", "13", "roles[0].ar.kerberos.realms[0].kdcs[1].port", "65535"},
		{"proxy: on", "proxy: yes", "14", "roles[0].ar.kerberos.proxy", "off"},
		{"adjacent: [B.EXAMPLE]", "adjacent: [B EXAMPLE]", "15", "roles[0].ar.kerberos.adjacent[0]", "upper case"},
		{"      nai: ann@home.example\n", "", "21", "roles[1].mn.kerberos.principal", "user@realm"},
		{"        ask: either", "        principal: ann/x@HOME.EXAMPLE\n        ask: either", "23", "roles[1].mn.kerberos.principal", "ann@HOME.EXAMPLE"},
		{"        key: \"" + keyOf32 + "\"\n", "", "22", "roles[1].mn.kerberos.key", "exactly one of"},
		{"        key: \"" + keyOf32, "        key: \"" + keyOf32[50:], "22", "roles[1].mn.kerberos.key", "openssl rand"},
		{"ask: either", "ask: nobody", "23", "roles[1].mn.kerberos.ask", "router"},
		{"{realm: HOME.EXAMPLE, kdcs", "{realm: A.EXAMPLE, kdcs", "25", "roles[1].mn.kerberos.realms", "unless ask is router"},
		{"want: [B.EXAMPLE]", "want: [B/EXAMPLE]", "26", "roles[1].mn.kerberos.want[0]", "upper case"},
		{"routers: [mobileip/access.b.example@B.EXAMPLE]", "routers: [krbtgt/B@B]", "27", "roles[1].mn.kerberos.routers[0]", "mobileip/"},
		{"life: 8h", "life: 8s", "28", "roles[1].mn.kerberos.life", "8760h"},
		{"renew_life: 24h", "renew_life: -1s", "29", "roles[1].mn.kerberos.renew_life", "8760h"},
	} {
		text := strings.Replace(textKerberos(), c.old, c.new, 1)
		if text == textKerberos() {
			t.Fatalf("%q is not in the text", c.old)
		}
		_, err := Parse("box.yaml", []byte(text))
		if err == nil {
			t.Errorf("%s: taken", c.new)
			continue
		}
		if got, want := err.Error(), "box.yaml:"+c.line+": "+c.key+":"; !strings.Contains(got, want) || !strings.Contains(got, c.allowed) || strings.Contains(got, keyOf32[50:]) {
			t.Errorf("%s: %q lacks %q or %q, or shows a key", c.new, got, want, c.allowed)
		}
	}
}
