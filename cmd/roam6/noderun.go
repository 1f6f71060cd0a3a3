package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"roam6/conf"
	"roam6/driver"
	"roam6/engine"
	"roam6/node"
	"roam6/plane"
	"roam6/store"
)

// oldJournals is the number of journals of earlier lives that are kept, FILE.1 the latest: a node that fails and is
// started again and again must not write over what explains the first failure at once.
const oldJournals = 5

func nodeCmd() *cobra.Command {
	return group("node", "Run a real node", `node runs the roles of a configuration file on this host: a home agent, an access router, a mobile node, a correspondent
node, or several of them. examples/ has configurations to start from.`, nodeRunCmd(), nodeCheckCmd(), nodeSchemaCmd())
}

// nodeFlags are the flags of `node run`.
type nodeFlags struct {
	config, log, level, plane string
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", "", "the node's configuration `FILE` (required)")
	must(c.MarkFlagFilename("config", "yaml", "yml"))
}

func nodeRunCmd() *cobra.Command {
	f := &nodeFlags{}
	c := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Run a node until it is told to stop",
		Long: `Runs the roles in FILE on this host until SIGTERM or Ctrl-C. It needs CAP_NET_ADMIN and CAP_NET_RAW, keeps these two and gives
up all others; a node whose only roles are aaa and kdc needs none and gives up all
but CAP_NET_BIND_SERVICE, which a port below 1024 needs. A mistake in FILE is reported before anything is touched.

What happens is logged to standard error. roam6 ctl asks and commands the node while it runs. Under systemd it tells
when it is ready (Type=notify) and that it lives (WatchdogSec).`,
		Example: lines(
			"roam6 node check -c /etc/roam6/ha.yaml",
			"roam6 node run -c /etc/roam6/ha.yaml",
			"roam6 node run -c mn.yaml --log json --log-level debug",
		),
		Args: exactly(0, "-c FILE"),
		RunE: work(func(c *cobra.Command, _ []string) error { return f.run(c.Context()) }),
	}
	configFlag(c, &f.config)
	c.Flags().StringVar(&f.log, "log", "text", "form of the log: text or json")
	c.Flags().StringVar(&f.level, "log-level", "info", "least level that is logged: debug (every dropped message too), info, warn, error")
	planeFlag(c, &f.plane)
	must(c.RegisterFlagCompletionFunc("log", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	must(c.RegisterFlagCompletionFunc("log-level", cobra.FixedCompletions([]string{"debug", "info", "warn", "error"}, cobra.ShellCompDirectiveNoFileComp)))
	return c
}

func nodeCheckCmd() *cobra.Command {
	file := ""
	c := &cobra.Command{
		Use: "check -c FILE", Short: "Check a node's configuration without running it", Args: exactly(0, "-c FILE"),
		Long: `Says what is wrong with FILE, each mistake with its line, key and value and what is allowed. It reads the files that FILE names (certificates,
keys, authorities, keytabs), looks at the database (is it there, of which schema, does its key file open it), and changes nothing. What may be a
mistake, such as a realm that is nobody's, is hinted at below what is right.`,
		Example: lines("roam6 node check -c /etc/roam6/aaah.yaml"),
		RunE:    work(func(c *cobra.Command, _ []string) error { return checkNode(c.Context(), file) }),
	}
	configFlag(c, &file)
	return c
}

func checkNode(ctx context.Context, file string) error {
	c, _, err := readNode(file)
	if err != nil {
		return err
	}
	engines, err := node.Build(c, [32]byte{})
	if err != nil {
		return usage(err)
	}
	p, err := tlsProfiles(c)
	says, noDB := checkDatabase(ctx, c)
	if err := errors.Join(err, usage(errors.Join(p.stale...)), noDB); err != nil {
		return err
	}
	var names []string
	for _, e := range engines {
		names = append(names, e.Name)
	}
	fmt.Printf("%s is right: node %s, roles %s, %s\n", file, c.Name, strings.Join(names, " "), plural(len(c.Links), "link"))
	lines := append(p.shown, says)
	for _, h := range c.Hints() {
		lines = append(lines, "hint: "+h.Error())
	}
	if open := openToOthers(c, file); open != "" {
		lines = append(lines, "warning: "+open)
	}
	for _, line := range lines {
		if line != "" {
			fmt.Println("  " + line)
		}
	}
	return nil
}

// openToOthers warns of a configuration that has keys itself and that others can read. What systemd hands over it guards itself, by access lists that
// modes do not show.
func openToOthers(c *node.Config, file string) string {
	handed := os.Getenv("CREDENTIALS_DIRECTORY")
	if !c.Secrets() || handed != "" && filepath.Dir(file) == filepath.Clean(handed) {
		return ""
	}
	at, err := os.Stat(file)
	if err != nil || !at.Mode().IsRegular() || at.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return fmt.Sprintf("%s has keys and may be read or written by others (mode %04o): chmod 600 %s", file, at.Mode().Perm(), file)
}

func nodeSchemaCmd() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of node configurations", Args: exactly(0, "no argument"),
		Example: lines("roam6 node schema > node.json      for an editor that checks YAML while you type"),
		RunE: work(func(*cobra.Command, []string) error {
			_, err := os.Stdout.Write(conf.Schema("roam6 node", node.Config{}))
			return err
		}),
	}
}

// readNode reads and checks a node's configuration.
func readNode(file string) (*node.Config, []byte, error) {
	if file == "" {
		return nil, nil, usagef("-c FILE is missing: the node's configuration, such as -c /etc/roam6/ha.yaml (examples/ has some)")
	}
	text, err := readConfig(file)
	if err != nil {
		return nil, nil, err
	}
	c, err := node.Parse(file, text)
	if err == nil {
		err = errors.Join(keytabs(c), logonCertificates(c))
	}
	return c, text, usage(err)
}

// run is the command: everything is checked before anything is touched.
func (f *nodeFlags) run(ctx context.Context) error {
	log, err := newLog(f.log, f.level)
	if err != nil {
		return err
	}
	if err := planeKnown(f.plane); err != nil {
		return err
	}
	c, text, err := readNode(f.config)
	if err != nil {
		return err
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return lacks(err)
	}
	engines, err := enginesOf(c, seed)
	if err != nil {
		return usage(err)
	}
	if err := hostLacks(c); err != nil {
		return err
	}
	log = log.With("node", c.Name)
	if open := openToOthers(c, f.config); open != "" {
		log.Warn(open)
	}
	if why := unforwarded(c, forwardingFile); why != "" {
		log.Warn(why)
	}
	d := driver.Config{Name: c.Name, Engines: engines, Tun: c.Tun, Plane: driver.Plane(f.plane), Refuse: c.Refuse()}
	if !c.Packets() {
		d.Tun = ""
	}
	for _, l := range c.Links {
		d.Links = append(d.Links, driver.Link{Port: plane.Port(l.Port), Ifname: l.Name, External: l.Hook, Userland: l.Kernel == node.KernelOff})
	}
	shown, err := tlsProfiles(c)
	if err != nil {
		return err
	}
	for _, stale := range shown.stale {
		log.Warn(stale.Error())
	}
	d.TLS = shown.tls
	d.JournalHeader = &driver.JournalHeader{Node: c.Name, Build: built(), Config: digest(text), Seed: hex.EncodeToString(seed[:])}
	told := newTeller(log)
	defer told.close()
	d.OnEvent = told.event
	return lifetime(ctx, c, d, log)
}

// lifetime is the life of a node: open everything, run, close everything.
func lifetime(ctx context.Context, c *node.Config, d driver.Config, log *slog.Logger) (err error) {
	shut := func(f func() error) { err = errors.Join(err, f()) }
	records, err := openStore(c.State)
	if err != nil {
		return lacks(err)
	}
	defer shut(records.Close)
	d.Store = stored{records}
	db, query, err := openDatabase(c)
	if err != nil {
		return err
	}
	if db != nil {
		defer shut(db.Close)
	}
	d.Query = query
	if c.Journal != "" {
		j, err := openJournal(c.Journal)
		if err != nil {
			return usage(fmt.Errorf("journal: %w", err))
		}
		defer shut(j.Close)
		d.Journal = j
	}
	n, err := driver.New(d)
	if err != nil {
		return lacks(err)
	}
	defer shut(n.Close)
	if err := os.MkdirAll(filepath.Dir(c.Control), 0o755); err != nil {
		return lacks(fmt.Errorf("control socket: %w", err))
	}
	control, err := driver.Serve(n, c.Control)
	if err != nil {
		return lacks(err)
	}
	defer shut(control.Close)
	if err := driver.DropCapabilities(c.Packets(), c.LowPorts()); err != nil {
		log.Warn("capabilities are kept", "error", err)
	}
	log.Info("node starts", "version", built(), "control", c.Control, "state", c.State, "capabilities", driver.Held())
	defer notify(ctx, n, log)()
	if err = n.Run(ctx); err == nil {
		log.Info("node ends")
	}
	if errors.Is(err, driver.ErrNoDevice) { // as what is missing before the start
		return lacks(err)
	}
	return err
}

// hostLacks is the error of a host that cannot run a node. One that only speaks Diameter needs no more than sockets.
func hostLacks(c *node.Config) error {
	if !c.Packets() {
		return nil
	}
	return lacks(errors.Join(lacking(driver.Missing()), rivals(c)))
}

// rivals is the error of a mobile node whose kernel makes addresses on the same links, of the same advertisements: they would
// be the same addresses.
func rivals(c *node.Config) error {
	var errs []error
	mobile := slices.ContainsFunc(c.Roles, func(r node.RoleConfig) bool { return r.MN != nil })
	for _, l := range c.Links {
		at := "net/ipv6/conf/" + l.Name + "/"
		accept := sysctl(at + "accept_ra")
		listens := accept == "2" || accept == "1" && sysctl(at+"forwarding") == "0"
		if mobile && l.Kernel == node.KernelOn && listens && sysctl(at+"autoconf") == "1" {
			errs = append(errs, fmt.Errorf("link %s has kernel: on, and the kernel makes addresses of router advertisements there, the same as roam6; what to do: kernel: off, or sysctl net.ipv6.conf.%s.accept_ra=0",
				l.Name, l.Name))
		}
	}
	return errors.Join(errs...)
}

// lacking is the error of what a machine does not offer.
func lacking(list []driver.Lack) error {
	var errs []error
	for _, l := range list {
		errs = append(errs, fmt.Errorf("%s is missing; it is needed for: %s; what to do: %s", l.Name, l.What, l.How))
	}
	return lacks(errors.Join(errs...))
}

func openStore(dir string) (*store.File, error) {
	err := privateDir(dir)
	if errors.Is(err, os.ErrPermission) {
		above := filepath.Dir(dir)
		err = fmt.Errorf("%w; may this user enter %s? chmod 755 %s", err, above, above)
	}
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return store.Open(filepath.Join(dir, "records"))
}

// privateDir makes a directory that its owner alone can enter, in one that everybody can: other nodes' directories are beside it, which systemd gives
// to other users.
func privateDir(dir string) error {
	above := filepath.Dir(dir)
	if _, err := os.Stat(above); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(above, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(above, 0o755); err != nil { // whatever the umask says
			return err
		}
	}
	return os.MkdirAll(dir, 0o700)
}

// openJournal begins a journal, and keeps those of earlier lives beside it. What stands at its path and is no journal, such as a
// device or somebody's file, is left alone: to root, renaming /dev/null is as easy as anything.
func openJournal(path string) (*os.File, error) {
	if at, err := os.Lstat(path); err == nil && !(at.Mode().IsRegular() && isJournal(path)) {
		return nil, usagef("journal: %s is there and is no journal; name a file of its own, such as /var/lib/roam6/NAME/journal", path)
	}
	for i := oldJournals - 1; i >= 0; i-- {
		old := path
		if i > 0 {
			old = fmt.Sprintf("%s.%d", path, i)
		}
		if err := os.Rename(old, fmt.Sprintf("%s.%d", path, i+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// isJournal reports whether a file begins as journals do, as far as it goes: a full disk may have left less than a line.
func isJournal(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(driver.JournalMagic))
	n, err := io.ReadFull(f, head)
	return (err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && strings.HasPrefix(driver.JournalMagic, string(head[:n]))
}

// stored is a store as the driver takes it.
type stored struct{ *store.File }

func (s stored) PutAll(records []engine.Record) error {
	list := make([]store.Record, len(records))
	for i, r := range records {
		list[i] = store.Record{Bucket: r.Bucket, Key: r.Key, Value: r.Value}
	}
	return s.File.PutAll(list)
}

func (s stored) Load() ([]engine.Record, error) {
	records, err := s.File.Load()
	var out []engine.Record
	for _, r := range records {
		out = append(out, engine.Record{Bucket: r.Bucket, Key: r.Key, Value: r.Value})
	}
	return out, err
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
