package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// every runs a test against all kinds of store. reopen closes and opens again.
func every(t *testing.T, test func(t *testing.T, s Store, reopen func() Store)) {
	t.Run("memory", func(t *testing.T) {
		m := new(Memory)
		test(t, m, func() Store { m.Close(); m.Reopen(); return m })
	})
	t.Run("file", func(t *testing.T) {
		path := t.TempDir() + "/state"
		f := open(t, path)
		test(t, f, func() Store { f.Close(); f = open(t, path); return f })
	})
}

func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func put(t testing.TB, s Store, bucket, key, value string) {
	t.Helper()
	if err := s.Put(bucket, key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, s Store) string {
	t.Helper()
	recs, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range recs {
		fmt.Fprintf(&b, "%s/%s=%s ", r.Bucket, r.Key, r.Value)
	}
	return b.String()
}

func TestPutLoadDelete(t *testing.T) {
	every(t, func(t *testing.T, s Store, reopen func() Store) {
		if got := load(t, s); got != "" {
			t.Errorf("fresh: %q", got)
		}
		put(t, s, "mn/sa", "b", "2")
		put(t, s, "mn/sa", "a", "1")
		put(t, s, "ha/binding", "z", "")
		put(t, s, "mn/sa", "b", "3")
		put(t, s, "mn/sa", "c", "4")
		if err := s.Put("mn/sa", "c", nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Put("mn/sa", "never there", nil); err != nil {
			t.Fatal(err)
		}
		const want = "ha/binding/z= mn/sa/a=1 mn/sa/b=3 "
		if got := load(t, s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := load(t, reopen()); got != want {
			t.Errorf("reopened: %q, want %q", got, want)
		}
	})
}

func TestBucketAndKeyAreNotJoined(t *testing.T) {
	every(t, func(t *testing.T, s Store, _ func() Store) {
		put(t, s, "a", "bc", "1")
		put(t, s, "ab", "c", "2")
		if recs, _ := s.Load(); len(recs) != 2 {
			t.Errorf("%v", recs)
		}
	})
}

func TestNothingIsShared(t *testing.T) {
	every(t, func(t *testing.T, s Store, _ func() Store) {
		v := []byte("value")
		if err := s.Put("b", "k", v); err != nil {
			t.Fatal(err)
		}
		v[0] = 'X'
		recs, _ := s.Load()
		recs[0].Value[1] = 'X'
		if got := load(t, s); got != "b/k=value " {
			t.Errorf("%q", got)
		}
	})
}

func TestLimits(t *testing.T) {
	every(t, func(t *testing.T, s Store, reopen func() Store) {
		long := strings.Repeat("x", MaxName+1)
		for _, err := range []error{s.Put(long, "k", nil), s.Put("b", long, nil), s.Put("b", "k", make([]byte, MaxValue+1))} {
			if !errors.Is(err, ErrTooLong) {
				t.Errorf("%v", err)
			}
		}
		put(t, s, long[1:], long[1:], strings.Repeat("v", MaxValue))
		if recs, err := reopen().Load(); err != nil || len(recs) != 1 || len(recs[0].Value) != MaxValue {
			t.Errorf("%d records, %v", len(recs), err)
		}
	})
}

func TestClosed(t *testing.T) {
	every(t, func(t *testing.T, s Store, _ func() Store) {
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Put("b", "k", []byte("v")); !errors.Is(err, ErrClosed) {
			t.Errorf("Put: %v", err)
		}
		if _, err := s.Load(); !errors.Is(err, ErrClosed) {
			t.Errorf("Load: %v", err)
		}
	})
}

// Any sequence of Puts and restarts gives what a map gives.
func TestAgainstMap(t *testing.T) {
	every(t, func(t *testing.T, s Store, reopen func() Store) {
		model := map[[2]string]string{}
		rapid.Check(t, func(t *rapid.T) {
			for range rapid.IntRange(1, 8).Draw(t, "steps") {
				b := rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "bucket")
				k := rapid.SampledFrom([]string{"x", "y", "z", ""}).Draw(t, "key")
				switch rapid.IntRange(0, 9).Draw(t, "what") {
				case 0:
					s = reopen()
				case 1, 2:
					if err := s.Put(b, k, nil); err != nil {
						t.Fatal(err)
					}
					delete(model, [2]string{b, k})
				default:
					v := rapid.StringN(0, 20, 40).Draw(t, "value")
					if err := s.Put(b, k, []byte(v)); err != nil {
						t.Fatal(err)
					}
					model[[2]string{b, k}] = v
				}
			}
			recs, err := s.Load()
			if err != nil {
				t.Fatal(err)
			}
			got := map[[2]string]string{}
			for _, r := range recs {
				got[[2]string{r.Bucket, r.Key}] = string(r.Value)
			}
			if !reflect.DeepEqual(got, model) {
				t.Fatalf("got %v, want %v", got, model)
			}
		})
	})
}

// TestPutAll writes more records at once than one frame takes, deletes among them, and refuses all if one is too long.
func TestPutAll(t *testing.T) {
	every(t, func(t *testing.T, s Store, reopen func() Store) {
		put(t, s, "b", "old", "1")
		list := []Record{{"b", "old", nil}, {"b", "new", []byte("2")}, {"b", "new", []byte("3")}}
		for i := range 6 {
			list = append(list, Record{"big", fmt.Sprint(i), make([]byte, MaxValue)})
		}
		if err := s.PutAll(append(slices.Clone(list), Record{"b", "long", make([]byte, MaxValue+1)})); !errors.Is(err, ErrTooLong) {
			t.Errorf("too long: %v", err)
		}
		if err := errors.Join(s.PutAll(list), s.PutAll(nil)); err != nil {
			t.Fatal(err)
		}
		recs, err := reopen().Load()
		if err != nil || len(recs) != 7 || string(recs[0].Value) != "3" || len(recs[6].Value) != MaxValue {
			t.Errorf("%d records, %v", len(recs), err)
		}
	})
}
