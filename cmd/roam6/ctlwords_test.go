package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// What a peer says of itself stands in a view, and no terminal obeys it: neither in tables nor in JSON.
func TestViewsAreForTerminals(t *testing.T) {
	const says = "x\x1b]0;y\a\u009b31m\u202e\x7f\U000e0001é"
	view, err := json.Marshal(map[string]any{"peers": []any{map[string]any{"product": says}}, says: says, "list": []any{says}})
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := viewTables(&w, view); err != nil {
		t.Fatal(err)
	}
	shown := printableJSON(view)
	for name, text := range map[string]string{"tables": w.String(), "JSON": string(shown)} { //order:any
		if strings.ContainsAny(text, "\x1b\a\u009b\u202e\x7f\U000e0001") || !strings.Contains(text, "é") {
			t.Errorf("%s: %q", name, text)
		}
	}
	var back struct{ List []string }
	if err := json.Unmarshal(shown, &back); err != nil || back.List[0] != says {
		t.Errorf("%q, %v", back.List, err)
	}
}
