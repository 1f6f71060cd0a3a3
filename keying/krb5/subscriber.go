package krb5

import (
	"fmt"

	"roam6/keying"
)

// SubscriberOctets are a subscriber's keys of all encryption types, in the order of ETypes, as SubscriberKey gives each, for less work: a KDC has them made
// for each logon. They are secret.
func SubscriberOctets(longTerm []byte, principal string) ([][]byte, error) {
	root, err := keying.Extract(longTerm)
	if err != nil {
		return nil, err
	}
	defer clear(root[:])
	list := make([][]byte, 0, len(ETypes()))
	for _, e := range ETypes() {
		octets := make([]byte, e.KeyLen())
		keying.Expand(octets, &root, "krb5 key "+string([]byte{byte(e)}), principal, "")
		list = append(list, octets)
	}
	return list, nil
}

// SubscriberKey is the key of a subscriber in Kerberos that has no password: made of the long-term key, of 16 octets or more, that it shares with its
// home domain. principal is the subscriber's, ann@HOME.EXAMPLE. docs/kerberos.md has the octets. Keys of different encryption types have nothing in
// common.
func SubscriberKey(e EType, longTerm []byte, principal string) (Key, error) {
	if !e.Known() {
		return Key{}, fmt.Errorf("krb5: encryption type %d is not known; use 17 to 20", int32(e))
	}
	octets, err := keying.Derive(longTerm, "krb5 key "+string([]byte{byte(e)}), principal, "", e.KeyLen())
	if err != nil {
		return Key{}, err
	}
	defer clear(octets)
	return NewKey(e, octets)
}
