package subscriber

import (
	"bytes"
	"context"
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// No word of a partner is a formula where records are opened as a table, with the comma or the semicolon between cells; quotes, commas and
// lines in it stay its own.
func TestExportedCells(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"", ""}, {"ar1.a.example;1780000000;7", "ar1.a.example;1780000000;7"}, {"ann@home.example", "ann@home.example"}, {"a-b.example", "a-b.example"},
		{"=1+1", "'=1+1"}, {"+46701", "'+46701"}, {"-2", "'-2"}, {"@SUM(A1)", "'@SUM(A1)"}, {"\t=1", "'\t'=1"}, {"\r=1", "'\r=1"}, {"\n=1", "'\n=1"},
		{"＝1+1", "'＝1+1"}, {" =1", " '=1"}, {"a;=1+1;7", "a;'=1+1;7"}, {"a,=1", "a,'=1"}, {`a";=1`, `a";'=1`}, {`"=1`, `"'=1`},
	} {
		if got := cell(c.said); got != c.want {
			t.Errorf("%q: %q, want %q", c.said, got, c.want)
		}
	}
	at := filepath.Join(t.TempDir(), "subscribers.db")
	d, err := Create(at, at+".key")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := Record{Session: `=HYPERLINK("http://a.example","x");1;2`, Kind: "start", At: time.Unix(1.8e9, 0).UTC(), Name: "+46@home.example",
		Origin: "-ar.a.example", Network: "@a.example", Result: 2001}
	if _, err := d.Account(context.Background(), []Record{r}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := d.ExportRecords(t.Context(), &out, Span{}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != len(RecordHeader) {
		t.Fatal(rows, err)
	}
	if rows[1][0] != "'"+r.Session {
		t.Errorf("session %q", rows[1][0])
	}
	for i, s := range rows[1] {
		if strings.ContainsAny(s[:min(len(s), 1)], "=+-@\t\r\n") {
			t.Errorf("%s: %q", RecordHeader[i], s)
		}
	}
}
