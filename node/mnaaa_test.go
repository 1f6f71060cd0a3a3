package node

import (
	"strings"
	"testing"

	"roam6/role/mn"
)

const stranger = `name: mn
links: [{name: wlan0, port: 1}]
roles:
  - mn:
      nai: ann@home.example
      aaa: {AAA}
`

func strangerWith(aaa string) string { return strings.Replace(stranger, "AAA", aaa, 1) }

const key16, key32 = "05050505050505050505050505050505", "0707070707070707070707070707070707070707070707070707070707070707"

// A mobile node with a name and a key is all it needs to be; how it proves who it is, is its subscriber's choice.
func TestMobileAAA(t *testing.T) { //spec DM-06 DM-08
	for _, c := range []struct {
		aaa, bad string
		eap      *mn.EAP
	}{
		{`key: "` + key32 + `"`, "", nil},
		{`key: "` + key32 + `", method: challenge`, "", nil},
		{`key: "` + key16 + `", method: eap`, "", &mn.EAP{}},
		{`key: "` + key32 + key32 + `", method: eap, eap: {identity: ann, server: aaah.home.example}`, "", &mn.EAP{Name: "ann", Server: "aaah.home.example"}},
		{`key: "` + key16 + `"`, "aaa.key", nil},
		{`key: "` + key16[2:] + `", method: eap`, "aaa.key", nil},
		{`key: "` + key32 + key32 + `00", method: eap`, "aaa.key", nil},
		{`key: "` + key32 + `", method: pap`, "aaa.method", nil},
		{`key: "` + key32 + `", eap: {server: aaah.home.example}`, "aaa.eap", nil},
		{`key: "` + key32 + `", method: eap, eap: {server: ` + strings.Repeat("s", 255) + `}`, "aaa.eap.server", nil},
		{`key: "` + key32 + `", method: eap, eap: {identity: ` + strings.Repeat("s", 255) + `}`, "aaa.eap.identity", nil},
	} {
		cfg, err := Parse("mn.yaml", []byte(strangerWith(c.aaa)))
		if c.bad != "" {
			if err == nil || !strings.Contains(err.Error(), c.bad) {
				t.Errorf("%s: %v", c.aaa, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.aaa, err)
			continue
		}
		if got := mobileAAA(cfg.Roles[0].MN.AAA); (got.EAP == nil) != (c.eap == nil) || c.eap != nil && *got.EAP != *c.eap {
			t.Errorf("%s: %+v", c.aaa, got.EAP)
		}
		if _, err := Build(cfg, [32]byte{}); err != nil {
			t.Errorf("%s: %v", c.aaa, err)
		}
	}
}
