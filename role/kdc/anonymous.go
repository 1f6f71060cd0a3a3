package kdc

import (
	"strings"

	"roam6/wire/krb5"
)

// Names of nobody in particular, RFC 6111 §3.
const (
	wellKnown      = "WELLKNOWN"
	wellKnownRealm = wellKnown + ":"
)

// nameless holds who asks against the policy for anonymous clients (RFC 8062): there are none here. A ticket is for an access router that answers for who
// comes, and that bounds what each client does by its name. The name of nobody is nobody's, whatever the database or another realm says.
//
// spec FH-18
func nameless(client krb5.Principal, options krb5.KDCOptions) *refusal {
	switch {
	case options&krb5.OptRequestAnonymous != 0:
		return no(krb5.ErrBadoption, "tickets without a name are not given here")
	case len(client.Name.Parts) > 0 && client.Name.Parts[0] == wellKnown, strings.HasPrefix(client.Realm, wellKnownRealm):
		return no(krb5.ErrPolicy, "who does not say who it is has no ticket here")
	}
	return nil
}
