package krb5

import (
	"slices"
	"strings"
	"testing"
)

// The examples of RFC 4120 §3.3.3.2, and what else its words allow.
func TestTransited(t *testing.T) {
	for _, c := range []struct{ field, client, server, want string }{
		{"", "A", "B", ""},
		{"EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.", "X", "Y", "EDU MIT.EDU ATHENA.MIT.EDU WASHINGTON.EDU CS.WASHINGTON.EDU"},
		{"EDU,MIT.,WASHINGTON.EDU", "ATHENA.MIT.EDU", "CS.WASHINGTON.EDU", "EDU MIT.EDU WASHINGTON.EDU"},
		{"/COM,/HP,/APOLLO, /COM/DEC", "X", "Y", "/COM /COM/HP /COM/HP/APOLLO /COM/DEC"},
		{"/COM,/HP", "/COM/HP/APOLLO", "/COM/DEC", "/COM /COM/HP"},
		{",", "A.B.C.D", "D", "B.C.D C.D"},
		{",", "D", "A.B.C.D", "C.D B.C.D"},
		{",EDU, /COM,", "ATHENA.MIT.EDU", "/COM/DEC/X", "MIT.EDU EDU /COM /COM/DEC"},
		{",EDU", "A.MIT.EDU", "EDU.X", "MIT.EDU EDU"},
		{"EDU,", "X", "A.MIT.EDU", "EDU MIT.EDU"},
		{`A\,B,C\\D,E\.,\ F`, "X", "Y", `A,B C\D E. _F`},
		{"A,A,B", "X", "Y", "A B"},
	} {
		got, err := Transited{1, []byte(c.field)}.Realms(c.client, c.server)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], " ", "_")
		}
		if want := strings.Fields(c.want); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q between %s and %s: %q, %v, want %q", c.field, c.client, c.server, got, err, want)
		}
	}
	for _, c := range []Transited{
		{2, []byte("A")}, {1, []byte(`A\`)}, {1, []byte(",")}, {1, []byte("A,,B")}, {1, []byte(strings.Repeat("A,", 2*MaxTransited+1))},
		{1, []byte(strings.Repeat("A.,", 60) + strings.Repeat("b", MaxString+1))},
	} {
		if got, err := c.Realms("X.Y", "Z"); err != ErrTransited {
			t.Errorf("%d, %q: %q, %v", c.Type, c.Contents, got, err)
		}
	}
}

// What With writes, Realms reads.
func TestTransitedWith(t *testing.T) {
	all := []string{"A.EXAMPLE", "/C=DE/O=X", "a,b", `c\d`, " e", "f.", "B.EXAMPLE"}
	var x Transited
	for i, r := range all {
		x = x.With(r)
		got, err := x.Realms("X", "Y")
		if err != nil || !slices.Equal(got, all[:i+1]) {
			t.Errorf("%q: %q, %v", x.Contents, got, err)
		}
	}
}
