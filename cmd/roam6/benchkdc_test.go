package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// kdcTestUsers is how many principals are enough to see that the measurement is one.
const kdcTestUsers = 50

// measured has a KDC answer logons and tickets at full load and at a pace.
func measured(t *testing.T, l *kdcLoad) {
	t.Helper()
	if err := l.logons(3); err != nil {
		t.Fatal(err)
	}
	for x, name := range kdcExchanges {
		list, err := l.requests(x, 40)
		if err != nil {
			t.Fatal(err)
		}
		took, err := l.press(list, 4)
		if err != nil || took <= 0 {
			t.Errorf("%s: %v, %v", name, took, err)
		}
		if list, err = l.requests(x, 20); err != nil {
			t.Fatal(err)
		}
		each, err := l.pace(list, time.Millisecond)
		if err != nil || len(each) != 20 || each[19] <= 0 {
			t.Errorf("%s at a pace: %v, %v", name, each, err)
		}
	}
}

// Our KDC answers the load that it is measured with, and the load says so when it does not.
func TestKDCLoad(t *testing.T) {
	dir := t.TempDir()
	told := kdcServed{Database: filepath.Join(dir, "subscribers.db"), Records: filepath.Join(dir, "records")}
	if err := fillOurs(t.Context(), told.Database, kdcTestUsers); err != nil {
		t.Fatal(err)
	}
	var err error
	if told.Port, err = freePort4(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runKDC(ctx, told) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	l := newKDCLoad(kdcTestUsers, ourKey)
	defer l.close()
	if err := l.connect(told.Port); err != nil {
		t.Fatal(err)
	}
	measured(t, l)
	list, err := l.requests(kdcAS, 1)
	if err != nil {
		t.Fatal(err)
	}
	l.users = 2 * kdcTestUsers // some of whom nobody knows
	strangers, err := l.requests(kdcAS, 2*kdcTestUsers)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.press(append(list, strangers...), 4); err == nil {
		t.Error("errors pass for answers")
	}
}

// krb5kdc has the principals of the dump that was made for it, and answers the same load.
func TestMITLoad(t *testing.T) {
	for _, x := range []string{"krb5kdc", "kdb5_util", "kadmin.local"} {
		if _, err := exec.LookPath(x); err != nil {
			t.Skip("no ", x, " (apt-get install krb5-kdc krb5-admin-server)")
		}
	}
	f, err := theirKDC(t.Context(), t.TempDir(), kdcTestUsers)
	if f != nil {
		defer f.close()
	}
	if err != nil {
		t.Fatal(err)
	}
	measured(t, f.load)
}

// Both tickets that are measured are opened; neither is when an octet of it is another.
func TestBenchedTickets(t *testing.T) {
	b, err := newBenchedTickets(time.Unix(1.8e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.verify(); err != nil {
		t.Error(err)
	}
	if err := b.take(); err != nil {
		t.Error(err)
	}
	b.request[len(b.request)-1] ^= 1
	b.short[len(b.short)-1] ^= 1
	if b.verify() == nil || b.take() == nil {
		t.Error("what was altered is opened")
	}
	if _, err := benchKDC(t.Context(), &benchFlags{only: []string{"all"}}); err == nil || ctlStatus(err) != exitUsage {
		t.Error(err)
	}
}
