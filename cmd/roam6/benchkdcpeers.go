package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"roam6/driver"
	keys "roam6/keying/krb5"
	"roam6/role/kdc"
	"roam6/store"
	"roam6/store/subscriber"
	"roam6/store/subscriber/principal"
	"roam6/store/subscriber/profile"
	"roam6/wire/krb5"
)

// What both KDCs have. Keys and tickets are of the type that MIT Kerberos prefers by itself.
const (
	kdcRealm = "HOME.EXAMPLE"
	kdcEType = keys.AES256SHA1
)

func kdcUser(i int) string    { return fmt.Sprintf("u%d@%s", i, kdcRealm) }
func kdcService(i int) string { return fmt.Sprintf("host/h%d.home.example@%s", i, kdcRealm) }

// kdcProfile is a subscriber of ours.
func kdcProfile(i int) *profile.Profile {
	return &profile.Profile{NAI: regName(i), Key: regKey(i), AddressFrom: profile.FromHome, Enabled: true}
}

// ourKey is its key.
func ourKey(i int) (keys.Key, error) {
	p, err := principal.OfSubscriber(kdcProfile(i))
	if err != nil {
		return keys.Key{}, err
	}
	k, _ := p.Key(kdcEType, 0)
	return k.Protocol()
}

// kdcServed is what our KDC of bench kdc is told.
type kdcServed struct {
	Port     int    `json:"port"` // of 127.0.0.1
	Database string `json:"database"`
	Records  string `json:"records"` // the file of its durable records: the replay cache
}

// freePort4 is a UDP port of 127.0.0.1 that was free just now.
func freePort4() (int, error) {
	l, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return 0, lacks(err)
	}
	defer l.Close()
	return l.LocalAddr().(*net.UDPAddr).Port, nil
}

// ourThreads is how many threads of our KDC may run Go, on its one processor: with one alone nothing is read while another waits in the kernel, until the runtime
// looks after it, up to 10 ms later.
const ourThreads = "GOMAXPROCS=2"

// ourKDC fills a database and starts this program as its KDC.
func ourKDC(ctx context.Context, dir string, principals int) (f *kdcFigures, err error) {
	f = &kdcFigures{load: newKDCLoad(principals, ourKey)}
	told := kdcServed{Database: filepath.Join(dir, "subscribers.db"), Records: filepath.Join(dir, "records")}
	if told.Port, err = freePort4(); err != nil {
		return f, err
	}
	if err := fillOurs(ctx, told.Database, principals); err != nil {
		return f, err
	}
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	text, err := json.Marshal(told)
	if err != nil {
		return f, err
	}
	f.process = &relayProcess{}
	if err := f.process.startWith([]string{ourThreads}, self, "bench", "kdc-server", string(text)); err != nil {
		return f, err
	}
	return f, f.load.connect(told.Port)
}

// fillOurs makes the database.
func fillOurs(ctx context.Context, path string, principals int) error {
	db, err := subscriber.Create(path, path+".key")
	if err != nil {
		return lacks(err)
	}
	list := make([]*profile.Profile, principals)
	for i := range list {
		list[i] = kdcProfile(i)
	}
	for some := range slices.Chunk(list, subscriber.BulkMax) {
		if _, err := db.Load(ctx, some); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	names := []string{krb5.Principal{Name: krb5.TGS(kdcRealm), Realm: kdcRealm}.String()}
	for i := range kdcServices {
		names = append(names, kdcService(i))
	}
	for i, name := range names {
		p, err := principal.Fresh(name)
		if err == nil {
			p.Add(principal.Drawn(1, []keys.EType{kdcEType}, time.Unix(1.8e9, 0), func(b []byte) { b[0] = byte(i) })...)
			err = db.AddPrincipal(ctx, p)
		}
		if err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// kdcServerCmd is our KDC in a process of its own.
func kdcServerCmd() *cobra.Command {
	return &cobra.Command{
		Use: "kdc-server JSON", Short: "Be the KDC that bench kdc measures", Hidden: true, Args: exactly(1, "what to serve"),
		RunE: work(func(c *cobra.Command, args []string) error {
			var told kdcServed
			if err := json.Unmarshal([]byte(args[0]), &told); err != nil {
				return usage(err)
			}
			ctx, cancel := context.WithCancel(c.Context())
			defer cancel()
			go func() { // whoever started us is gone
				_, _ = io.Copy(io.Discard, os.Stdin)
				cancel()
			}()
			return runKDC(ctx, told)
		}),
	}
}

func runKDC(ctx context.Context, told kdcServed) (err error) {
	const unlimited = 1 << 20
	at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(told.Port))
	s, err := kdc.New(kdc.Config{Realm: kdcRealm, Listen: []netip.AddrPort{at}, PerSource: unlimited, Whole: unlimited}, [32]byte{1})
	if err != nil {
		return err
	}
	db, err := subscriber.Open(told.Database, told.Database+".key")
	if err != nil {
		return lacks(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	records, err := store.Open(told.Records)
	if err != nil {
		return lacks(err)
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	d, err := driver.New(driver.Config{Name: "kdc", Store: stored{records}, Query: tables(db), Engines: []driver.Engine{{Name: "kdc", Engine: s}}})
	if err != nil {
		return lacks(err)
	}
	return errors.Join(d.Run(ctx), d.Close())
}

// mitPassword makes the one key of all users of MIT's KDC.
const mitPassword = "correct horse"

// theirKDC fills the database of MIT Kerberos and starts its KDC. It writes no log and counts no failures, which would cost it a write a logon.
func theirKDC(ctx context.Context, dir string, principals int) (f *kdcFigures, err error) {
	first, err := krb5.ParsePrincipal(kdcUser(0))
	if err != nil {
		return nil, err
	}
	key, err := keys.StringToKey(kdcEType, mitPassword, first.Salt(), nil)
	if err != nil {
		return nil, err
	}
	f = &kdcFigures{load: newKDCLoad(principals, func(int) (keys.Key, error) { return key, nil })}
	port, err := freePort4()
	if err != nil {
		return f, err
	}
	conf := fmt.Sprintf("[kdcdefaults]\n kdc_tcp_listen = \"\"\n[realms]\n %[1]s = {\n  key_stash_file = %[2]s/stash\n  kdc_listen = 127.0.0.1:%[3]d\n  database_module = quick\n"+
		"  supported_enctypes = aes256-cts-hmac-sha1-96:normal\n  master_key_type = aes256-cts-hmac-sha1-96\n  default_principal_flags = +preauth\n }\n"+
		"[dbmodules]\n quick = {\n  db_library = db2\n  database_name = %[2]s/principal\n  disable_last_success = true\n  disable_lockout = true\n }\n[logging]\n kdc = FILE:/dev/null\n", kdcRealm, dir, port)
	client := fmt.Sprintf("[libdefaults]\n default_realm = %s\n dns_lookup_kdc = false\n dns_lookup_realm = false\n", kdcRealm)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "kdc.conf"), []byte(conf), 0o600), os.WriteFile(filepath.Join(dir, "krb5.conf"), []byte(client), 0o600)); err != nil {
		return f, err
	}
	env := []string{"KRB5_CONFIG=" + filepath.Join(dir, "krb5.conf"), "KRB5_KDC_PROFILE=" + filepath.Join(dir, "kdc.conf")}
	if err := fillTheirs(ctx, dir, env, principals); err != nil {
		return f, err
	}
	f.process = &relayProcess{}
	if err := f.process.startWith(env, "krb5kdc", "-n", "-r", kdcRealm); err != nil {
		return f, err
	}
	return f, f.load.connect(port)
}

// fillTheirs has one user and one service made, and loads a dump in which there are as many as are wanted of each: keys in it are sealed under the master key, and not
// bound to their principals.
func fillTheirs(ctx context.Context, dir string, env []string, principals int) error {
	run := func(args ...string) error {
		c := exec.CommandContext(ctx, args[0], args[1:]...)
		c.Env = append(os.Environ(), env...)
		if out, err := c.CombinedOutput(); err != nil || strings.Contains(string(out), "while ") {
			return fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
		return nil
	}
	dump, whole := filepath.Join(dir, "dump"), filepath.Join(dir, "whole")
	for _, args := range [][]string{
		{"kdb5_util", "create", "-s", "-P", "master"},
		{"kadmin.local", "-q", fmt.Sprintf("addprinc -pw \"%s\" %s", mitPassword, kdcUser(0))},
		{"kadmin.local", "-q", "addprinc -randkey -requires_preauth " + kdcService(0)},
		{"kdb5_util", "dump", dump},
	} {
		if err := run(args...); err != nil {
			return err
		}
	}
	b, err := os.ReadFile(dump)
	if err != nil {
		return err
	}
	var all strings.Builder
	for line := range strings.Lines(string(b)) {
		f := strings.Split(line, "\t")
		var n int
		var name func(int) string
		switch {
		case len(f) > 6 && f[6] == kdcUser(0):
			n, name = principals, kdcUser
		case len(f) > 6 && f[6] == kdcService(0):
			n, name = kdcServices, kdcService
		default:
			all.WriteString(line)
			continue
		}
		for i := range n {
			f[6] = name(i)
			f[2] = fmt.Sprint(len(f[6]))
			all.WriteString(strings.Join(f, "\t"))
		}
	}
	if err := os.WriteFile(whole, []byte(all.String()), 0o600); err != nil {
		return err
	}
	return run("kdb5_util", "load", whole)
}

// startWith is start with more in the environment, on one processor, the last of those that this process may use: one worker against one. A process inherits where
// the thread may run that starts it.
func (p *relayProcess) startWith(env []string, name string, args ...string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, last unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return lacks(err)
	}
	n := 0
	for i := range len(all) * 64 {
		if all.IsSet(i) {
			n = i
		}
	}
	last.Set(n)
	if err := unix.SchedSetaffinity(0, &last); err != nil {
		return lacks(err)
	}
	p.env = append(os.Environ(), env...)
	return errors.Join(p.start(name, args...), unix.SchedSetaffinity(0, &all))
}
