package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"roam6/lab"
)

// What a lab leaves when it is killed, or fails: its socket and its log. That nobody has the log locked says that it has ended.

// refused is an error of an order to a lab: of the command line, unless the lab ended meanwhile.
func refused(err error) error {
	if errors.Is(err, lab.ErrEnded) {
		return err
	}
	return usage(err)
}

// hold locks the log unless a process of a lab has it; where there is none there is nothing to lock.
func (p *place) hold() (log *os.File, free bool) {
	log, err := os.OpenFile(p.log, os.O_WRONLY, 0)
	if err != nil {
		return nil, errors.Is(err, fs.ErrNotExist)
	}
	if syscall.Flock(int(log.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		log.Close()
		return nil, false
	}
	return log, true
}

// How long a lab that was killed may take to end, and how often to look.
const (
	deathPatience = 10 * time.Second
	deathPoll     = 10 * time.Millisecond
)

// dead waits until no process of the lab is left.
func (p *place) dead() error {
	for end := time.Now().Add(deathPatience); ; time.Sleep(deathPoll) {
		if log, free := p.hold(); free {
			log.Close()
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("lab %q does not answer, and after %v a process of it still has %s open", p.name, deathPatience, p.log)
		}
	}
}

// clear removes the files of a lab that has ended, and tells which there were.
func (p *place) clear() (removed []string, err error) {
	log, free := p.hold()
	if !free {
		return nil, nil // somebody brings it up anew
	}
	defer log.Close()
	var errs []error
	for _, f := range []string{p.socket, p.log} {
		switch err := os.Remove(f); {
		case err == nil:
			removed = append(removed, f)
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(errs...)
}

// leftovers are the places of labs that have ended and left something: the one of a name, or, with none, all.
func leftovers(name string) ([]*place, error) {
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, kind := range []string{".lab", ".log"} {
		files, _ := filepath.Glob(filepath.Join(dir, "*"+kind))
		for _, f := range files {
			names = append(names, strings.TrimSuffix(filepath.Base(f), kind))
		}
	}
	slices.Sort(names)
	var dead []*place
	for _, n := range slices.Compact(names) {
		p, err := placeOf(n)
		if err != nil || name != "" && n != name {
			continue
		}
		log, free := p.hold()
		log.Close()
		if free || p.dying() {
			dead = append(dead, p)
		}
	}
	return dead, nil
}

// dying tells whether a lab was killed and is not gone yet: its socket is there and nobody answers. claim removes old sockets, so a lab
// that is being brought up has none before it answers.
func (p *place) dying() bool {
	if _, err := os.Lstat(p.socket); err != nil {
		return false
	}
	l, err := lab.Dial(p.socket)
	return err != nil || !l.Alive()
}

// abandon removes what is there of a lab that has not come up, unless the log says more than the error why. log is locked.
func (p *place) abandon(log *os.File, why error) bool {
	text, err := os.ReadFile(log.Name())
	said := strings.TrimPrefix(strings.TrimSpace(string(text)), "roam6: ")
	if !errors.Is(why, context.Canceled) && (err != nil || !strings.Contains(why.Error(), strings.TrimPrefix(said, "lab: "))) {
		return false
	}
	os.Remove(p.socket)
	os.Remove(p.log)
	return true
}
