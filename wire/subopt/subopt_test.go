package subopt

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"roam6/wire"
)

func count(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// The lengths around each limit, with how the octets are laid out.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		size    int
		lengths []byte // the Length of each suboption
	}{
		{0, []byte{2}}, {1, []byte{3}}, {252, []byte{254}}, {253, []byte{255}}, {254, []byte{255, 3}},
		{506, []byte{255, 255}}, {507, []byte{255, 255, 3}}, {1000, []byte{255, 255, 255, 243}},
	} {
		value := count(c.size)
		b := Append([]byte("x"), 9, value)[1:]
		var lengths []byte
		for at := 0; at < len(b); at += int(b[at+1]) {
			if b[at] != 9 {
				t.Errorf("%d octets: type %d at octet %d", c.size, b[at], at)
			}
			lengths = append(lengths, b[at+1])
		}
		if !bytes.Equal(lengths, c.lengths) {
			t.Errorf("%d octets: lengths %v, want %v", c.size, lengths, c.lengths)
		}
		got, err := Parse("test", b, 0)
		if err != nil || len(got) != 1 || got[0].Type != 9 || got[0].At != 0 || !bytes.Equal(got[0].Data, value) {
			t.Errorf("%d octets: read as %v, %v", c.size, got, err)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want []Value
	}{
		{nil, nil},
		{[]byte{0, 0, 0}, nil},
		{[]byte{5, 2}, []Value{{5, []byte{}, 0}}},
		{[]byte{5, 3, 1, 6, 3, 2, 5, 3, 3}, []Value{{5, []byte{1}, 0}, {6, []byte{2}, 3}, {5, []byte{3}, 6}}},
		{[]byte{5, 3, 1, 5, 2, 5, 4, 2, 3}, []Value{{5, []byte{1, 2, 3}, 0}}},
		{[]byte{0, 5, 3, 1, 0, 5, 3, 2, 0, 0}, []Value{{5, []byte{1, 2}, 1}}},
	} {
		before := slices.Clone(c.b)
		got, err := Parse("test", c.b, 0)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%x: %v, %v; want %v", c.b, got, err, c.want)
		}
		if !bytes.Equal(before, c.b) {
			t.Errorf("joining changed the list: %x became %x", before, c.b)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		at   int
		want error
	}{
		{[]byte{5}, 1, wire.ErrTruncated},
		{[]byte{5, 0}, 1, wire.ErrLength},
		{[]byte{5, 1}, 1, wire.ErrLength},
		{[]byte{5, 3}, 1, wire.ErrTruncated},
		{[]byte{5, 2, 0, 6, 4, 1}, 4, wire.ErrTruncated},
		{bytes.Repeat([]byte{5, 2}, MaxList+1), 2 * MaxList, wire.ErrLimit},
	} {
		got, err := Parse("test", c.b, 100)
		var e *wire.Error
		if got != nil || !errors.Is(err, c.want) || !errors.As(err, &e) || e.Offset != 100+c.at || e.Proto != "test" {
			t.Errorf("%.12x: %v, %v; want %v at octet %d", c.b, got, err, c.want, 100+c.at)
		}
	}
	if got, err := Parse("test", bytes.Repeat([]byte{5, 2}, MaxList), 0); err != nil || len(got) != 1 {
		t.Errorf("MaxList suboptions: %v, %v", got, err)
	}
}

// FuzzParse: values written again are read as the same, and hold no more than the list.
func FuzzParse(f *testing.F) {
	f.Add([]byte{5, 3, 1, 0, 5, 2, 6, 4, 1, 2, 0, 0})
	f.Add(Append(nil, 9, count(300)))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := Parse("test", b, 0)
		if err != nil {
			return
		}
		var out []byte
		for _, v := range list {
			out = Append(out, v.Type, v.Data)
		}
		if len(out) > len(b) {
			t.Fatalf("%d octets became %d", len(b), len(out))
		}
		again, err := Parse("test", out, 0)
		if err != nil || fmt.Sprint(strip(again)) != fmt.Sprint(strip(list)) {
			t.Fatalf("read again: %v\n got %v\nwant %v", err, again, list)
		}
	})
}

func strip(list []Value) []Value {
	out := slices.Clone(list)
	for i := range out {
		out[i].At = 0
	}
	return out
}
