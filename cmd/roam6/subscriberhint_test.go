package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"roam6/store/subscriber"
)

// A realm that no other subscriber has is hinted at, with the one that was probably meant; the first one of a database is not.
func TestStrangeRealm(t *testing.T) {
	d, err := subscriber.Create(filepath.Join(t.TempDir(), "s.db"), "")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, c := range []struct{ name, says string }{
		{"2001:db8::9", ""},
		{"ann@home.example", ""},
		{"bob@home.example", ""},
		{"bob@HOME.example", ""},
		{"eve@home.exmaple", "eve@home.exmaple is the first subscriber of home.exmaple; the others are of home.example. Was home.example meant?"},
		{"2001:db8::a", ""},
		{"zoe@far.net", "the others are of home.example, home.exmaple. The server serves"},
	} {
		p, err := named(c.name)
		if err != nil {
			t.Fatal(err)
		}
		got := strangeRealm(context.Background(), d, p)
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q", c.name, got)
		}
		if err := d.Add(context.Background(), p); err != nil && !errors.Is(err, subscriber.ErrExists) {
			t.Fatal(err)
		}
	}
}

// Who may not use a database is told whose rights it takes, and never to give everybody some.
func TestUnable(t *testing.T) {
	denied := fmt.Errorf("/x/s.db: %w", fs.ErrPermission)
	for url, want := range map[string]string{"/x/s.db": "sudo", "sqlite:/x/s.db": "sudo", "postgres://u@h/n": "PGPASSWORD"} {
		if strings.Contains(want, "sudo") && os.Geteuid() == 0 {
			want = "permission denied"
		}
		err := unable(url, denied)
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "chmod") || conclude(io.Discard, nil, err) != exitLacks {
			t.Errorf("%s: %v", url, err)
		}
	}
	if other := errors.New("x"); unable("", other) != other || unable("", nil) != nil {
		t.Error("other errors are changed")
	}
}
