package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"roam6/driver"
	"roam6/lab"
)

// runtimeDir is the directory of this user's labs. Nobody else may have made it.
func runtimeDir() (string, error) {
	if dir := os.Getenv(envRuntime); dir != "" {
		return dir, nil
	}
	dir := fmt.Sprintf("/tmp/roam6-%d", os.Getuid())
	// "If an implementation encounters a relative path it should consider the path invalid and ignore it" (XDG Base Directory).
	if base := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(base) {
		dir = filepath.Join(base, "roam6")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", lacks(fmt.Errorf("the directory of the labs' sockets: %w", err))
	}
	i, err := os.Lstat(dir)
	if err != nil {
		return "", lacks(err)
	}
	if s, ok := i.Sys().(*syscall.Stat_t); !i.IsDir() || !ok || int(s.Uid) != os.Getuid() || i.Mode().Perm()&0o077 != 0 {
		return "", lacks(fmt.Errorf("%s must be a directory that is yours alone (mode 0700); remove it, or set XDG_RUNTIME_DIR", dir))
	}
	return dir, nil
}

// place is where a lab has its files.
type place struct{ name, socket, log string }

func placeOf(name string) (*place, error) {
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	p := &place{name, filepath.Join(dir, name+".lab"), filepath.Join(dir, name+".log")}
	if len(p.socket) > driver.MaxSocketPath {
		return nil, lacks(fmt.Errorf("the lab's socket %s: its path has more than %d octets; set XDG_RUNTIME_DIR to a shorter one", p.socket, driver.MaxSocketPath))
	}
	return p, nil
}

// claim opens the log, emptied, for the only lab of this name: the log is locked as long as any process of the lab has it open,
// from before it is up until it has ended, however it ends.
func (p *place) claim() (*os.File, error) {
	for {
		log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, lacks(err)
		}
		if err := syscall.Flock(int(log.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			log.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, p.taken()
			}
			return nil, lacks(fmt.Errorf("%s cannot be locked: %w", p.log, err))
		}
		mine, err := log.Stat()
		if err != nil {
			log.Close()
			return nil, lacks(err)
		}
		if there, err := os.Stat(p.log); err != nil || !os.SameFile(mine, there) {
			log.Close() // a lab that went down meanwhile has removed it
			continue
		}
		if err := os.Remove(p.socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Close()
			return nil, lacks(err)
		}
		return log, lacks(log.Truncate(0))
	}
}

// taken says which lab has the name.
func (p *place) taken() error {
	what := "is being brought up or taken down just now; `roam6 lab status` says when it is up, another --name makes a second one"
	if l, err := lab.Dial(p.socket); err == nil {
		if st, err := l.Status(); err == nil {
			what = fmt.Sprintf("is up already: scenario %s, for %s, process %d of %s; `roam6 lab down --name %s` ends it, another --name makes a second one",
				st.Scenario, st.Uptime, st.PID, userName(os.Getuid()), p.name)
		}
	}
	return usagef("a lab %q %s", p.name, what)
}

// userName is a user's name, or number where there is none. Only one's own labs can be reached.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return "user " + u.Username
	}
	return fmt.Sprintf("user number %d", uid)
}

// labNames are the labs that are up.
func labNames() ([]string, error) {
	dir, err := runtimeDir()
	if err != nil {
		return nil, err
	}
	sockets, err := filepath.Glob(filepath.Join(dir, "*.lab"))
	var names []string
	for _, s := range sockets {
		if l, err := lab.Dial(s); err == nil && l.Alive() {
			names = append(names, strings.TrimSuffix(filepath.Base(s), ".lab"))
		}
	}
	slices.Sort(names)
	return names, err
}

// dialLab reaches a lab by name; with no name, the only one.
func dialLab(name string) (*lab.Client, error) {
	p, err := meant(name)
	if err != nil {
		return nil, err
	}
	return lab.Dial(p.socket)
}

// meant is the lab of a name; with no name, the only one.
func meant(name string) (*place, error) {
	names, err := labNames()
	switch {
	case err != nil:
		return nil, err
	case name == "" && len(names) > 1:
		return nil, usagef("several labs are up; say which with --name: %s", strings.Join(names, ", "))
	case name == "" && len(names) == 1:
		name = names[0]
	case len(names) == 0:
		return nil, usagef("no lab is up; `roam6 lab up commute` starts one")
	case !slices.Contains(names, name):
		return nil, usagef("no lab %q is up; there are: %s", name, strings.Join(names, ", "))
	}
	return placeOf(name)
}

// whichLab adds --name to a command that asks a lab.
func whichLab(c *cobra.Command, name *string) {
	nameFlag(c, name, "`name` of the lab (needed only when several are up)")
}

// nameFlag adds --name.
func nameFlag(c *cobra.Command, name *string, what string) {
	c.Flags().StringVar(name, "name", "", what)
	must(c.RegisterFlagCompletionFunc("name", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, _ := labNames()
		return names, cobra.ShellCompDirectiveNoFileComp
	}))
}
