package krb5_test

import (
	"testing"

	"roam6/wire/krb5"
)

func TestNAI(t *testing.T) {
	for nai, want := range map[string]string{
		"ann@home.example": "ann@HOME.EXAMPLE", "Ann.Lee@home.example": "Ann.Lee@HOME.EXAMPLE", "a/b@x-1.example": `a\/b@X-1.EXAMPLE`,
		"1234@5678.9": "1234@5678.9", "é@café.example": "é@CAFé.EXAMPLE", "x@exſample.ı": "x@EXſAMPLE.ı",
	} {
		p := krb5.OfNAI(nai)
		if p.String() != want {
			t.Errorf("%s: %v, want %s", nai, p, want)
		}
		if back, ok := p.NAI(); back != nai || !ok {
			t.Errorf("%s: %s, %v", want, back, ok)
		}
	}
	for _, name := range []string{"ann@home.EXAMPLE", "ann/admin@HOME.EXAMPLE", `ann\@home.example@HOME.EXAMPLE`} {
		p, err := krb5.ParsePrincipal(name)
		if nai, ok := p.NAI(); ok || err != nil {
			t.Errorf("%s: %s, %v", name, nai, err)
		}
	}
	if p := krb5.OfNAI("ann"); !p.IsZero() {
		t.Error(p)
	}
}
