package driver

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"roam6/engine"
)

// An engine that is ready for another point of attachment commands the link where somebody does, and is told of else.
//
// spec RT-04
func TestAttach(t *testing.T) {
	for name, commanded := range map[string]bool{"commanded": true, "not commanded": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				e := &script{deadline: engine.Never, on: func(_ engine.Now, in engine.Input, out *engine.Effects) {
					if _, ok := in.(engine.Start); ok {
						out.Attach(1, "ap8")
					}
				}}
				c := Config{Name: "mn", Host: &Memory{}, Engines: []Engine{{"mn", e}}, OnEvent: func(_ time.Duration, eng string, ev engine.Event) {
					got = append(got, eng+" "+ev.Name+" "+ev.Get("port")+" "+ev.Get("attachment"))
				}}
				want := "driver driver.attach 1 ap8"
				if commanded {
					want = "link ap8"
					c.OnAttach = func(a engine.Attach) { got = append(got, "link "+a.Attachment) }
				}
				begin(t, c)
				synctest.Wait()
				if !slices.Equal(got, []string{want}) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		})
	}
}
