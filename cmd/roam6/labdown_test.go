package main

import (
	"os"
	"strings"
	"testing"
)

// Where no lab is up, down means the only one that left something; of several it removes nothing until it is told which.
func TestDownOfLeftovers(t *testing.T) {
	t.Setenv(envRuntime, t.TempDir())
	left := func(name string) *place {
		p, err := placeOf(name)
		if err != nil {
			t.Fatal(err)
		}
		log, err := p.claim()
		if err != nil {
			t.Fatal(err)
		}
		log.Close()
		return p
	}
	there := func(p *place) bool { _, err := os.Stat(p.log); return err == nil }
	a, b := left("a"), left("b")
	err := labDown("")
	if err == nil || ctlStatus(err) != exitUsage || !strings.Contains(err.Error(), "left files: a, b") || !there(a) || !there(b) {
		t.Errorf("several: %v; a is there: %v, b: %v", err, there(a), there(b))
	}
	if err := labDown("a"); err != nil || there(a) || !there(b) {
		t.Errorf("named: %v; a is there: %v, b: %v", err, there(a), there(b))
	}
	if err := labDown(""); err != nil || there(b) {
		t.Errorf("the only one: %v; b is there: %v", err, there(b))
	}
	a, b = left("a"), left("b")
	if err := allDown(); err != nil || there(a) || there(b) {
		t.Errorf("all: %v; a is there: %v, b: %v", err, there(a), there(b))
	}
	if err := labDown(""); err == nil || !strings.Contains(err.Error(), "no lab is up") {
		t.Errorf("none: %v", err)
	}
}
