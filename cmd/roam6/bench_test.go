package main

import (
	"strings"
	"testing"
)

func TestBenchTable(t *testing.T) {
	rows := []benchRow{
		ours("parse BU", "ns", 410, 390, 400, 430, 395), ours("parse BU", "allocations", 1),
		ours("a longer name", "1/s", 12.345), {Name: "kernel", Unit: "ns", Skipped: "no module"},
	}
	want := "" +
		"                 median  spread  runs  unit\n" +
		"  parse BU          400    10 %     5  ns\n" +
		"  parse BU            1       –     1  allocations\n" +
		"  a longer name    12.3       –     1  1/s\n" +
		"  kernel              –       –     –  ns, skipped: no module\n"
	var b strings.Builder
	if err := printRows(&b, rows); err != nil || b.String() != want {
		t.Errorf("got %v\n%swant\n%s", err, &b, want)
	}
	if r := rows[0]; *r.Ours != 400 || *r.OursMin != 390 || *r.OursMax != 430 || r.Runs != 5 {
		t.Errorf("%+v: not the median, the least and the largest", r)
	}
}

// Where nothing can be measured the machine lacks something; where one row can be, the table says which cannot.
func TestNothingMeasured(t *testing.T) {
	skipped := benchRow{Name: "a", Unit: "ns", Skipped: "no namespace"}
	if err := nothingMeasured([]benchRow{skipped, skipped}); err == nil || ctlStatus(err) != exitLacks || !strings.Contains(err.Error(), "no namespace") {
		t.Errorf("all skipped: %v", err)
	}
	for _, rows := range [][]benchRow{nil, {skipped, ours("b", "ns", 1)}} {
		if err := nothingMeasured(rows); err != nil {
			t.Errorf("%v: %v", rows, err)
		}
	}
}

func TestBusy(t *testing.T) {
	for load, want := range map[string]bool{"0.40 1 1 1/9 7": false, "0.60 0 0 1/9 7": true, "8.00 0 0 9/9 7": true, "": false, "nonsense": false} {
		if text := busy(load, 2); (text != "") != want {
			t.Errorf("load %q on 2 processors: %q", load, text)
		}
	}
}
