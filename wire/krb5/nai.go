package krb5

import "strings"

// OfNAI is the principal that a subscriber is: ann@HOME.EXAMPLE of ann@home.example, an NAI in canonical form (RFC 7542; realm in lower case). Letters
// of ASCII change their case and no others, so that different realms stay different. The zero Principal if there is no @.
func OfNAI(nai string) Principal {
	user, realm, found := strings.Cut(nai, "@")
	if !found {
		return Principal{}
	}
	return Principal{MakeName(user), mapASCII(realm, 'a', 'A')}
}

// NAI is the NAI of a subscriber, the other way; ok is false for a principal that is no subscriber's, which has one component, and a
// realm without letters in lower case. Whether it is an NAI that RFC 7542 allows is not looked at.
func (p Principal) NAI() (nai string, ok bool) {
	if len(p.Name.Parts) != 1 || p.Name.Parts[0] == "" || p.Realm == "" {
		return "", false
	}
	nai = p.Name.Parts[0] + "@" + mapASCII(p.Realm, 'A', 'a')
	return nai, OfNAI(nai).Equal(p)
}

// mapASCII moves the 26 letters from first on to those from to on.
func mapASCII(s string, first, to byte) string {
	b := []byte(s)
	for i, c := range b {
		if c >= first && c < first+26 {
			b[i] = c - first + to
		}
	}
	return string(b)
}
