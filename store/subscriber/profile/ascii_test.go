package profile

import "testing"

// What is taken as canonical is what the long way gives; of what is ASCII and canonical nothing is sent the long way.
func TestIsCanonical(t *testing.T) {
	alphabet, all := []string{"", "a", "Z", "7", ".", "-", "@", "!", "_", " ", "\x00", "\x7f", "é"}, 0
	try := func(nai string) {
		got, err := canonical(nai)
		ascii := true
		for i := range len(nai) {
			ascii = ascii && nai[i] < 0x80
		}
		if want := err == nil && got == nai && ascii; isCanonical(nai) != want {
			t.Errorf("%q: %v, want %v (%q, %v)", nai, !want, want, got, err)
		} else if want {
			all++
		}
	}
	for _, a := range alphabet {
		for _, b := range alphabet {
			for _, c := range alphabet {
				for _, form := range []string{"", "b.c", "@b.c", "u@", "u@b.c", "u@b."} {
					for cut := range len(form) + 1 {
						try(a + b + form[:cut] + c + form[cut:])
						try(a + form[:cut] + b + c + form[cut:])
					}
				}
			}
		}
	}
	if all < 100 {
		t.Errorf("only %d are canonical", all)
	}
	for c := range 256 {
		try("u" + string([]byte{byte(c)}) + "@b.c")
		try("u@b" + string([]byte{byte(c)}) + "d.c")
	}
	for n := range 10 {
		long := make([]byte, MaxNAI-8+n)
		for i := range long {
			long[i] = 'a'
		}
		try(string(long) + "@b.c")
	}
}

func FuzzIsCanonical(f *testing.F) {
	f.Add("ann@home.example")
	f.Fuzz(func(t *testing.T, nai string) {
		if got, err := canonical(nai); isCanonical(nai) && (err != nil || got != nai) {
			t.Errorf("%q: %q, %v", nai, got, err)
		}
	})
}

func TestCanonicalAllocates(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Canonical("ann@home.example") }); n > 0 {
		t.Errorf("%v allocations of an NAI in its canonical form", n)
	}
}
