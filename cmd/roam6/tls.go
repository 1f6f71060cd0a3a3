package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"roam6/node"
)

// certificateAge is how long a certificate is believed to be what its file holds: one that was renewed is shown from the next connection
// after that on, without a restart.
const certificateAge = 10 * time.Second

// credentialRoot is where files lie that the systemd units hand over: /etc/roam6/tls/x.key is the credential tls_x.key (LoadCredential=
// makes such names of a directory's files), which the service can read though the file itself is root's.
const credentialRoot = "/etc/roam6"

// credential is the path to read a file by that a configuration names.
func credential(path string) string {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	below, err := filepath.Rel(credentialRoot, path)
	if dir == "" || err != nil || below == "." || !filepath.IsLocal(below) {
		return path
	}
	handed := filepath.Join(dir, strings.ReplaceAll(below, "/", "_"))
	if _, err := os.Stat(handed); err != nil {
		return path
	}
	return handed
}

// profiles are a configuration's TLS profiles as the driver takes them.
type profiles struct {
	tls   map[string]*tls.Config
	shown []string // what each shows, for people
	stale []error  // certificates that are not valid today: no mistake in the files, and a node has other work
}

// tlsProfiles reads everything once before the node starts, so that a mistake is told then, with its place in the configuration.
func tlsProfiles(c *node.Config) (profiles, error) {
	p := profiles{tls: map[string]*tls.Config{}}
	var errs []error
	for i, t := range c.TLS {
		r := &profileReader{c: c, at: fmt.Sprintf("tls[%d].", i), files: t}
		p.tls[t.Name] = r.read()
		if len(r.errs) == 0 {
			p.shown = append(p.shown, fmt.Sprintf("tls %s: %s, until %s", t.Name, printable(strings.Join(r.leaf.DNSNames, " ")), r.leaf.NotAfter.UTC().Format(time.DateOnly)), r.trusts())
		}
		errs, p.stale = append(errs, r.errs...), append(p.stale, r.stale...)
	}
	return p, usage(errors.Join(errs...))
}

// profileReader reads the files of one profile and finds what is wrong with them.
type profileReader struct {
	c           *node.Config
	at          string // in the configuration
	files       node.TLSConfig
	leaf        *x509.Certificate
	trusted     []*x509.Certificate
	errs, stale []error
}

func (r *profileReader) wrong(key, path, problem string) {
	r.errs = append(r.errs, r.c.Wrong(r.at+key, path, problem))
}

// unread says why a file could not be read, and what to do about it.
func (r *profileReader) unread(key, path string, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.wrong(key, path, "is not there (examples/aaa/README.md has how certificates are made)")
	case errors.Is(err, fs.ErrPermission) && os.Getenv("CREDENTIALS_DIRECTORY") != "":
		r.wrong(key, path, "is not there, or not where the unit hands it over from: it must be in /etc/roam6/tls, and the unit restarted")
	case errors.Is(err, fs.ErrPermission):
		r.wrong(key, path, "may not be read by this user; run as root, or give the file to the user that the node runs as")
	default:
		var where *fs.PathError
		if errors.As(err, &where) {
			err = where.Err
		}
		r.wrong(key, path, "cannot be read: "+err.Error())
	}
}

func (r *profileReader) file(key, path string) (text []byte, ok bool) {
	text, err := os.ReadFile(credential(path))
	if err != nil {
		r.unread(key, path, err)
	}
	return text, err == nil
}

func (r *profileReader) read() *tls.Config {
	cert, haveCert := r.file("certificate", r.files.Certificate)
	secret, haveKey := r.file("key", r.files.Key)
	if haveKey {
		haveKey = r.guarded() && r.plain(secret)
	}
	if haveCert {
		haveCert = r.certificate(cert)
	}
	shown := &certificate{files: r.files}
	if haveCert && haveKey {
		pair, err := tls.X509KeyPair(cert, secret)
		if err == nil {
			shown.cert, shown.read = &pair, time.Now()
		} else {
			r.wrong("key", r.files.Key, "is not the private key of "+r.files.Certificate+": "+strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
	pool := x509.NewCertPool()
	if text, ok := r.file("authorities", r.files.Authorities); ok {
		r.authorities(text, pool)
	}
	return &tls.Config{
		GetCertificate:       func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return shown.load() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown.load() },
		RootCAs:              pool, ClientCAs: pool,
	}
}

// guarded makes sure that nobody else can read the key. What systemd hands over it guards itself, by access lists that modes do not show.
func (r *profileReader) guarded() bool {
	path := r.files.Key
	if credential(path) != path {
		return true
	}
	at, err := os.Stat(path)
	if err == nil && at.Mode().Perm()&0o077 != 0 {
		r.wrong("key", path, "can be read by others; chmod 600 "+path)
		return false
	}
	return true
}

// plain refuses a key that a password protects: nobody is there to type it.
func (r *profileReader) plain(text []byte) bool {
	block, _ := pem.Decode(text)
	if block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "") {
		r.wrong("key", r.files.Key, "is protected by a password, which a node cannot type; openssl pkey -in KEY -out NEW takes it off")
		return false
	}
	return true
}

// certificate looks at the node's own certificate: what a peer would refuse is told here, before any peer does.
func (r *profileReader) certificate(text []byte) bool {
	list, err := certificates(text)
	path := r.files.Certificate
	switch {
	case err != nil:
		r.wrong("certificate", path, err.Error())
		return false
	case list[0].IsCA:
		r.wrong("certificate", path, "begins with the certificate of an authority ("+called(list[0])+"); the node's own comes first")
		return false
	}
	r.leaf = list[0]
	names := strings.Join(r.leaf.DNSNames, " ")
	if names == "" {
		r.wrong("certificate", path, "has no DNS name among its subject alternative names, and its common name ("+called(r.leaf)+
			") counts nowhere (RFC 9525); have it issued with subjectAltName=DNS:"+strings.Join(append(r.c.Identities(r.files.Name), "NAME")[:1], ""))
	}
	for _, host := range r.c.Identities(r.files.Name) {
		if names != "" && !slices.ContainsFunc(r.leaf.DNSNames, func(s string) bool { return strings.EqualFold(s, host) }) {
			r.wrong("certificate", path, "is for "+names+"; the node's diameter.host is "+host+", and must be among the DNS names, letter by letter")
		}
	}
	for _, use := range []struct {
		ext  x509.ExtKeyUsage
		name string
	}{{x509.ExtKeyUsageServerAuth, "serverAuth"}, {x509.ExtKeyUsageClientAuth, "clientAuth"}} {
		if uses := r.leaf.ExtKeyUsage; len(uses) > 0 && !slices.Contains(uses, use.ext) && !slices.Contains(uses, x509.ExtKeyUsageAny) {
			r.wrong("certificate", path, "may not be used as "+use.name+"; Diameter nodes dial and are dialled: extendedKeyUsage=serverAuth,clientAuth")
		}
	}
	r.today("certificate", path, r.leaf)
	return true
}

// authorities takes those who sign peers' certificates.
func (r *profileReader) authorities(text []byte, pool *x509.CertPool) {
	list, err := certificates(text)
	if err != nil {
		r.wrong("authorities", r.files.Authorities, err.Error())
	}
	for _, c := range list {
		if !c.IsCA {
			r.wrong("authorities", r.files.Authorities, "has the certificate of "+called(c)+", which is no authority (basicConstraints=CA:TRUE); the one of whoever signed it belongs there")
			continue
		}
		r.today("authorities", r.files.Authorities, c)
		pool.AddCert(c)
		r.trusted = append(r.trusted, c)
	}
}

// maxAuthoritiesShown is how many authorities of a profile are named: a file of all that a browser knows has more than a hundred.
const maxAuthoritiesShown = 8

// trusts says whose certificates a profile believes.
func (r *profileReader) trusts() string {
	var names []string
	for _, c := range r.trusted[:min(len(r.trusted), maxAuthoritiesShown)] {
		names = append(names, fmt.Sprintf("%s (until %s)", printable(called(c)), c.NotAfter.UTC().Format(time.DateOnly)))
	}
	if more := len(r.trusted) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("tls %s trusts: %s", r.files.Name, strings.Join(names, ", "))
}

// today notes a certificate that is not valid now.
func (r *profileReader) today(key, path string, c *x509.Certificate) {
	problem := ""
	switch now := time.Now(); {
	case now.After(c.NotAfter):
		problem = "expired on " + c.NotAfter.UTC().Format(time.RFC3339) + " (" + called(c) + "); peers refuse it until it is renewed"
	case now.Before(c.NotBefore):
		problem = "is not valid before " + c.NotBefore.UTC().Format(time.RFC3339) + " (" + called(c) + "); is the clock of this host right?"
	default:
		return
	}
	r.stale = append(r.stale, r.c.Wrong(r.at+key, path, problem))
}

// called is how people call a certificate.
func called(c *x509.Certificate) string {
	if s := c.Subject.String(); s != "" {
		return s
	}
	if len(c.DNSNames) > 0 {
		return c.DNSNames[0]
	}
	return "no name"
}

// errNoCertificate is told of what is no PEM, and of PEM with something else in it.
var errNoCertificate = errors.New("has no certificate; PEM is expected, lines between BEGIN CERTIFICATE and END CERTIFICATE")

// certificates are those in a PEM file, at least one.
func certificates(text []byte) (list []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("has a certificate that cannot be understood: %w", err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errNoCertificate
	}
	return list, nil
}

// certificate is a certificate in files, which may be renewed while the node runs.
type certificate struct {
	files node.TLSConfig
	mu    sync.Mutex
	read  time.Time
	cert  *tls.Certificate
}

// load gives the certificate. Files that cannot be read while they are being replaced leave the one before in use.
func (c *certificate) load() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && time.Since(c.read) < certificateAge {
		return c.cert, nil
	}
	pair, err := tls.LoadX509KeyPair(credential(c.files.Certificate), credential(c.files.Key))
	c.read = time.Now()
	switch {
	case err == nil:
		c.cert = &pair
	case c.cert == nil:
		return nil, fmt.Errorf("certificate %s and key %s: %w", c.files.Certificate, c.files.Key, err)
	}
	return c.cert, nil
}
