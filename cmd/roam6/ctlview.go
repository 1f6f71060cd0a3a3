package main

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	"roam6/driver"
	"roam6/engine"
)

// Times of views are the engines' own: nanoseconds, and moments of a clock that begins with the node. People, and their scripts, know neither.
var (
	momentOfView   = regexp.MustCompile(`"(expires|ends|until)(?:_mono)?":\s*(-?\d+)`)
	durationOfView = regexp.MustCompile(`"lifetime":\s*(\d+)`)
)

// expiryPrecision is that of what a binding has left to live: finer figures are over before they are read.
const expiryPrecision = 100 * time.Millisecond

// readable is a view as it is printed: durations as in configurations, and how long things last yet instead of when they end.
func readable(view json.RawMessage, now engine.Mono) json.RawMessage {
	view = momentOfView.ReplaceAllFunc(view, func(m []byte) []byte {
		found := momentOfView.FindSubmatch(m)
		at, err := strconv.ParseInt(string(found[2]), 10, 64)
		if err != nil {
			return m
		}
		left := "never"
		if engine.Mono(at) != engine.Never {
			left = max(0, engine.Mono(at).Sub(now)).Round(expiryPrecision).String()
		}
		name := "ends_in"
		if string(found[1]) == "expires" {
			name = "expires_in"
		}
		return []byte(`"` + name + `":"` + left + `"`)
	})
	return durationOfView.ReplaceAllFunc(view, func(m []byte) []byte {
		n, err := strconv.ParseInt(string(durationOfView.FindSubmatch(m)[1]), 10, 64)
		if err != nil {
			return m
		}
		return []byte(`"lifetime":"` + time.Duration(n).String() + `"`)
	})
}

// clockOf asks a node for its clock; false when it does not say.
func clockOf(ctx context.Context, c *driver.Client) (engine.Mono, bool) {
	reply, err := c.Call(ctx, "", driver.VerbStats, nil)
	var st struct {
		Now *engine.Mono `json:"now_mono"`
	}
	if err != nil || reply.Err != "" || json.Unmarshal(reply.Data, &st) != nil || st.Now == nil {
		return 0, false
	}
	return *st.Now, true
}
