package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"roam6/driver"
	"roam6/engine"
)

// A line has each key once, in either form: of two alike most readers of JSON take the last.
func TestLinesHaveNoKeyTwice(t *testing.T) {
	stream := engine.Event{Name: driver.EventStream, Reason: engine.ReasonTLSUnknownCA,
		Attrs: []engine.Attr{engine.S("engine", "aaa"), engine.S("says", "TLS with [::1]:9: no authority"), engine.S("with", "::1")}}
	for _, c := range []struct {
		told told
		want string
	}{
		{told{engine: "driver", event: stream}, `engine=aaa reason=tls-unknown-ca says="TLS with [::1]:9: no authority" with=::1`},
		{told{engine: "mn", event: engine.Event{Name: "x", Reason: "a", Attrs: []engine.Attr{engine.S("reason", "b")}}}, "engine=mn reason=a reason_too=b"},
		{told{engine: "mn", event: engine.Event{Name: "x", Attrs: []engine.Attr{engine.S("reason", "b")}}}, "engine=mn reason=b"},
	} {
		var text, lines bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&lines, nil)} {
			slog.New(h).Warn("x", attrsOf(c.told, lineOf(c.told.event))...)
		}
		if !strings.HasSuffix(text.String(), " "+c.want+"\n") {
			t.Errorf("got %s, want %s", text.String(), c.want)
		}
		var o map[string]any
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil || len(o) != strings.Count(lines.String(), `":"`) {
			t.Errorf("%v: %s", err, lines.String())
		}
	}
}
