package profile

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	key := strings.Repeat("5a", 32)
	table, err := NewTable([]byte(`{"nai":"ann@home.example","key":"` + key + `","address_from":"home","enabled":true}
{"home_address":"2001:db8:0:1::100","key":"` + key + `","address_from":"home","enabled":true}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		table, key string
		put        []byte
		found, bad bool
	}{
		{table: TableSubscriber, key: "ann@HOME.example", found: true},
		{table: TableSubscriber, key: "Ann@home.example"}, // another user
		{table: TableSubscriber, key: "2001:db8:0:1:0:0:0:100", found: true},
		{table: TableSubscriber, key: "no name"},
		{table: TableSubscriber, key: "ann@home.example", put: []byte("x"), bad: true},
		{table: TableAccounting, key: "1", put: []byte("record"), found: true},
		{table: TableAccounting, key: "1", bad: true},
		{table: "weather", key: "1", bad: true},
	} {
		value, found, err := table.Ask(c.table, c.key, c.put)
		if found != c.found || (err != nil) != c.bad {
			t.Errorf("%s %s: found %v, %v", c.table, c.key, found, err)
		}
		if c.table == TableSubscriber && found {
			if p, err := Decode(value); err != nil || !p.Enabled {
				t.Errorf("%s: %v, %v", c.key, p, err)
			}
		}
	}
	if len(table.Records) != 1 {
		t.Errorf("%d records", len(table.Records))
	}
	if _, err := NewTable([]byte("{\"nai\":\"ann\"}\n")); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a wrong subscriber: %v", err)
	}
}
