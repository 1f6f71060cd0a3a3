package aaa

import (
	"fmt"

	"roam6/keying"
)

const labelEAP = "aaa eap"

// Exported makes, of the EMSK of an EAP conversation (RFC 3748 §7.10, at least 64 octets), the secret that takes the place of the long-term
// key for what follows it: a mobile node that authenticates by EAP need not share a long-term key of KeyLen octets. mn and visited are those of
// NewKey. It is a usage-specific root key as RFC 5295 §3 wants one: the EMSK itself is used for nothing else.
//
// spec DM-06
func Exported(emsk []byte, mn, visited string) ([]byte, error) {
	if len(emsk) < 64 || mn == "" || visited == "" {
		return nil, fmt.Errorf("aaa: an EMSK of %d octets, the mobile node %q, the visited network %q; 64 octets or more and two names are needed", len(emsk), mn, visited)
	}
	return keying.Derive(emsk, labelEAP, mn, visited, KeyLen)
}
