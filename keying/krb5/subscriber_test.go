package krb5_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"roam6/keying/krb5"
)

// TestSubscriberKey has the values of docs/kerberos.md, which were made with Python's hmac.
func TestSubscriberKey(t *testing.T) {
	longTerm := make([]byte, 32)
	for i := range longTerm {
		longTerm[i] = byte(i)
	}
	for e, want := range map[krb5.EType]string{
		krb5.AES128SHA1:   "de98714f8378135177f57138ae1de492",
		krb5.AES256SHA1:   "f3fe1f9a2891e8006371a2ad7e4e067ea8ae11f2fc5474c727cf532666e1ce48",
		krb5.AES128SHA256: "014f6f3fdd2f1579de76cc7a42d94ceb",
		krb5.AES256SHA384: "19c231c11f4d050da9752a8194c059e33d38d524c94276438dc66ca8f00ae140",
	} {
		k, err := krb5.SubscriberKey(e, longTerm, "ann@HOME.EXAMPLE")
		if err != nil || hex.EncodeToString(k.Octets()) != want {
			t.Errorf("%v: %x, %v", e, k.Octets(), err)
		}
		other, err := krb5.SubscriberKey(e, longTerm, "bob@HOME.EXAMPLE")
		if err != nil || other.Equal(k) {
			t.Errorf("%v: bob with the same long-term key: %v", e, err)
		}
	}
	if _, err := krb5.SubscriberKey(23, longTerm, "ann@HOME.EXAMPLE"); err == nil {
		t.Error("RC4")
	}
	if _, err := krb5.SubscriberKey(krb5.AES256SHA384, longTerm[:15], "ann@HOME.EXAMPLE"); err == nil {
		t.Error("a long-term key of 15 octets")
	}
}

// All keys at once are those that are made one by one.
func TestSubscriberOctets(t *testing.T) {
	longTerm := make([]byte, 32)
	list, err := krb5.SubscriberOctets(longTerm, "ann@HOME.EXAMPLE")
	if err != nil || len(list) != len(krb5.ETypes()) {
		t.Fatal(len(list), err)
	}
	for i, e := range krb5.ETypes() {
		if one, err := krb5.SubscriberKey(e, longTerm, "ann@HOME.EXAMPLE"); err != nil || !bytes.Equal(one.Octets(), list[i]) {
			t.Errorf("%v: another key, %v", e, err)
		}
	}
	if _, err := krb5.SubscriberOctets(longTerm[:15], "ann@HOME.EXAMPLE"); err == nil {
		t.Error("a long-term key of 15 octets")
	}
}
