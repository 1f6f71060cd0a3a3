package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// naive is Timers as one would write it without a thought for speed: a list in the order of setting.
type naive struct {
	keys []string
	at   map[string]Mono
}

func (n *naive) set(key string, at Mono) {
	n.stop(key)
	if at != Never {
		n.keys, n.at[key] = append(n.keys, key), at
	}
}

func (n *naive) stop(key string) {
	if i := slices.Index(n.keys, key); i >= 0 {
		n.keys = slices.Delete(n.keys, i, i+1)
		delete(n.at, key)
	}
}

func (n *naive) next() (Mono, string) {
	best, which := Never, ""
	for _, k := range n.keys {
		if n.at[k] < best {
			best, which = n.at[k], k
		}
	}
	return best, which
}

func TestTimersAgainstModel(t *testing.T) {
	keys := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}) // more than fewTimers
	times := rapid.OneOf(rapid.Int64Range(0, 5), rapid.Int64Range(-1<<62, 1<<62), rapid.Just(int64(Never)))
	rapid.Check(t, func(t *rapid.T) {
		var timers Timers[string]
		model := naive{at: map[string]Mono{}}
		t.Repeat(map[string]func(*rapid.T){ //order:any
			"set": func(t *rapid.T) {
				k, at := keys.Draw(t, "key"), Mono(times.Draw(t, "at"))
				timers.Set(k, at)
				model.set(k, at)
			},
			"stop": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				timers.Stop(k)
				model.stop(k)
			},
			"pop": func(t *rapid.T) {
				now := Mono(times.Draw(t, "now"))
				got, ok := timers.Pop(now)
				at, want := model.next()
				due := want != "" && at <= now
				if ok != due || due && got != want {
					t.Fatalf("Pop(%d) = %q, %v; the model has %q at %d", now, got, ok, want, at)
				}
				if due {
					model.stop(want)
				}
			},
			"": func(t *rapid.T) {
				at, key := timers.Next()
				wantAt, want := model.next()
				if at != wantAt || key != want || timers.Len() != len(model.keys) {
					t.Fatalf("next is %q at %d of %d, the model has %q at %d of %d", key, at, timers.Len(), want, wantAt, len(model.keys))
				}
				for _, k := range []string{"a", "h", "never used"} {
					at, ok := timers.Armed(k)
					wantAt, want := model.at[k]
					if ok != want || ok && at != wantAt || !ok && at != Never {
						t.Fatalf("Armed(%q) = %d, %v", k, at, ok)
					}
				}
			},
		})
	})
}

// Timers due at the same time fire in the order in which they were set; setting again goes to the end.
func TestEqualDeadlinesKeepTheirOrder(t *testing.T) {
	var timers Timers[int]
	for k := range 50 {
		timers.Set(k, 7)
	}
	timers.Set(3, 7)
	timers.Stop(10)
	var got []int
	for {
		k, ok := timers.Pop(7)
		if !ok {
			break
		}
		got = append(got, k)
	}
	var want []int
	for k := range 50 {
		if k != 3 && k != 10 {
			want = append(want, k)
		}
	}
	if want = append(want, 3); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestMono(t *testing.T) {
	for _, c := range []struct {
		m    Mono
		d    time.Duration
		want Mono
	}{
		{5, 7, 12},
		{5, -7, -2},
		{Never, -time.Hour, Never},
		{Never - 1, time.Nanosecond, Never},
		{Never - 1, 1 << 62, Never}, // no wrap: it would be due at once
		{1 << 62, 1 << 62, Never},
		{Never - 5, 4, Never - 1},
	} {
		if got := c.m.Add(c.d); got != c.want {
			t.Errorf("%d.Add(%d) = %d, want %d", c.m, c.d, got, c.want)
		}
	}
	if got := Mono(12).Sub(5); got != 7 {
		t.Errorf("Sub = %d", got)
	}
}

func BenchmarkTimers(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint("move-", n), func(b *testing.B) {
			var timers Timers[int]
			for k := range n {
				timers.Set(k, Mono(k*7919%n))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				timers.Set(i%n, Mono(i*7919%n))
				timers.Next()
			}
		})
		b.Run(fmt.Sprint("pop-and-set-", n), func(b *testing.B) {
			var timers Timers[int]
			for k := range n {
				timers.Set(k, Mono(k))
			}
			b.ReportAllocs()
			for b.Loop() {
				at, _ := timers.Next()
				k, _ := timers.Pop(at)
				timers.Set(k, at.Add(time.Duration(n)))
			}
		})
	}
}
