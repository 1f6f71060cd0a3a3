package driver

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"roam6/engine"
)

// mutedBucket of the Store holds, by interface, what disable_ipv6 was before, and in which life of the machine.
const mutedBucket = ownName + "/ipv6"

// bootID tells one life of the machine from the next, whose settings are new.
const bootID = "/proc/sys/kernel/random/boot_id"

// muted is the kernel's IPv6 on links that are the node's alone: off while the node lives. A kernel that runs there too would
// make the same addresses of the same advertisements, and answer mobility messages to them with Parameter Problem. IPv4 is
// untouched.
//
// What was before is durable, so that the node after one killed with -9 still knows what to put back.
type muted struct {
	conf  *os.Root // /proc/sys/net/ipv6/conf
	store Store    // nil: what was before is kept in memory only
	boot  string
	was   map[string]string // by interface: disable_ipv6 before us
	left  map[string]string // the same, by a node of this life of the machine that did not put it back
}

func openMuted(conf *os.Root, store Store) (*muted, error) {
	m := &muted{conf: conf, store: store, was: map[string]string{}, left: map[string]string{}}
	if store == nil {
		return m, nil
	}
	if b, err := os.ReadFile(bootID); err == nil {
		m.boot = strings.TrimSpace(string(b))
	}
	records, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("reading the store: %w", err)
	}
	for _, r := range records {
		if was, boot, _ := strings.Cut(string(r.Value), " "); r.Bucket == mutedBucket && boot == m.boot {
			m.left[r.Key] = was
		}
	}
	return m, nil
}

// mute switches IPv6 off on an interface; changed is false if it was off.
func (m *muted) mute(ifname string) (changed bool, err error) {
	now, err := readConf(m.conf, ifname, "disable_ipv6")
	if err != nil {
		return false, err
	}
	if _, known := m.was[ifname]; !known {
		was := now
		if left, ok := m.left[ifname]; ok && now == "1" {
			was = left
		}
		if err := m.keep(ifname, was); err != nil {
			return false, err
		}
		m.was[ifname] = was
	}
	return now != "1", setConf(m.conf, ifname, "disable_ipv6", "1")
}

// keep makes durable what was before. Nothing needs to be put back where IPv6 was off.
func (m *muted) keep(ifname, was string) error {
	if m.store == nil || was == "1" || m.left[ifname] == was {
		return nil
	}
	if err := m.store.Put(mutedBucket, ifname, []byte(was+" "+m.boot)); err != nil {
		return fmt.Errorf("storing how IPv6 was on %s: %w", ifname, err)
	}
	m.left[ifname] = was
	return nil
}

// sweep puts back what an earlier node left and this one does not want.
func (m *muted) sweep() error {
	return m.put(func(ifname string) bool { _, ours := m.was[ifname]; return !ours })
}

// restore puts everything back.
func (m *muted) restore() error {
	for ifname, was := range m.was { //order:any
		if was != "1" {
			m.left[ifname] = was
		}
	}
	return m.put(func(string) bool { return true })
}

func (m *muted) put(which func(ifname string) bool) error {
	var errs []error
	for _, ifname := range slices.Sorted(maps.Keys(m.left)) {
		if !which(ifname) {
			continue
		}
		// An interface that is gone took its settings along.
		if err := setConf(m.conf, ifname, "disable_ipv6", m.left[ifname]); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		delete(m.left, ifname)
		delete(m.was, ifname)
		if m.store != nil {
			errs = append(errs, m.store.Put(mutedBucket, ifname, nil))
		}
	}
	return errors.Join(errs...)
}

// mute takes a link for the node alone, if it is meant to be. Addresses that somebody set by hand would be lost without a
// word, and perhaps the way to this machine with them: then nothing is touched.
func (m *machine) mute(l *link, dev netlink.Link) error {
	if !l.Userland {
		return nil
	}
	addrs, err := retry(func() ([]netlink.Addr, error) { return m.kernel.nl.AddrList(dev, unix.AF_INET6) })
	if err != nil {
		return err
	}
	for _, a := range addrs {
		if a.Flags&unix.IFA_F_PERMANENT != 0 && a.Scope == int(netlink.SCOPE_UNIVERSE) {
			return fmt.Errorf("interface %s holds %v, set by hand, and IPv6 of the kernel is to be off there: remove the address, or let the kernel have the link too (kernel: on)",
				l.Ifname, a.IPNet)
		}
	}
	_, err = m.muted.mute(l.Ifname)
	return err
}

// hush switches IPv6 off again where a network manager has switched it on, or the interface is a new one of the same name.
func (m *machine) hush(l *link, why string) {
	if !l.Userland {
		return
	}
	switch changed, err := m.muted.mute(l.Ifname); {
	case err != nil:
		m.feed.Tell(engine.Event{Name: EventKernel, Reason: err.Error()})
	case changed && why != "":
		m.feed.Tell(engine.Event{Name: EventKernel, Reason: why})
	}
}

// readConf reads one setting of an interface.
func readConf(conf *os.Root, ifname, key string) (string, error) {
	b, err := conf.ReadFile(ifname + "/" + key)
	if err != nil {
		return "", fmt.Errorf("reading net.ipv6.conf.%s.%s: %w", ifname, key, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// setConf writes one setting of an interface, unless it is so.
func setConf(conf *os.Root, ifname, key, value string) error {
	if was, err := readConf(conf, ifname, key); err != nil || was == value {
		return err
	}
	f, err := conf.OpenFile(ifname+"/"+key, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(value)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return lacks(fmt.Sprintf("setting net.ipv6.conf.%s.%s", ifname, key), "CAP_NET_ADMIN", err)
	}
	return nil
}
