package driver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"roam6/engine"
)

// tlsError marks what went wrong in a handshake.
type tlsError struct{ error }

func (e tlsError) Unwrap() error { return e.error }

var errShakeTimeout = errors.New("the TLS handshake took longer than " + HandshakeTimeout.String())

// reasons puts what the kernel says in the engine's words.
var reasons = map[syscall.Errno]string{
	syscall.ECONNREFUSED:  engine.ReasonRefused,
	syscall.ECONNRESET:    engine.ReasonReset,
	syscall.ECONNABORTED:  engine.ReasonReset,
	syscall.EPIPE:         engine.ReasonReset,
	syscall.ETIMEDOUT:     engine.ReasonSilent,
	syscall.ENETUNREACH:   engine.ReasonUnreachable,
	syscall.EHOSTUNREACH:  engine.ReasonUnreachable,
	syscall.EADDRINUSE:    engine.ReasonAddressInUse,
	syscall.EADDRNOTAVAIL: engine.ReasonNoAddress,
	syscall.EACCES:        engine.ReasonNoPermission,
	syscall.EPERM:         engine.ReasonNoPermission,
}

// why puts an error in one of the engine's words.
func why(err error) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		bare      nameless
		invalid   x509.CertificateInvalidError
		errno     syscall.Errno
		shook     tlsError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, errShakeTimeout):
		return engine.ReasonTLSTimeout
	case errors.As(err, &authority):
		return engine.ReasonTLSUnknownCA
	case errors.As(err, &name), errors.As(err, &bare):
		return engine.ReasonTLSName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return engine.ReasonTLSExpired
	case errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &shook), err != nil && strings.Contains(err.Error(), "tls: "):
		return engine.ReasonTLS // alerts of the peer have no type
	case errors.As(err, &errno) && reasons[errno] != "":
		return reasons[errno]
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return engine.ReasonTimeout
	case errors.Is(err, net.ErrClosed), errors.Is(err, context.Canceled):
		return engine.ReasonClosed
	case errors.Is(err, fs.ErrPermission):
		return engine.ReasonNoPermission
	}
	return engine.ReasonFailed
}

// whyDial is why for a Dial, where the kernel's giving up means that there was no answer in time.
func whyDial(err error) string {
	if reason := why(err); reason != engine.ReasonSilent {
		return reason
	}
	return engine.ReasonTimeout
}

// hintListen says what to do; protocol is "t" for TCP, "u" for UDP.
func hintListen(reason string, at netip.AddrPort, protocol string) string {
	switch reason {
	case engine.ReasonAddressInUse:
		return fmt.Sprintf("; see who has it: ss -Hl%snp 'sport = :%d'", protocol, at.Port())
	case engine.ReasonNoAddress:
		bits := 64
		if at.Addr().Is4() {
			bits = 24
		}
		return fmt.Sprintf("; no interface of this host has %v: give it (ip address add %v/%d dev INTERFACE), or configure one that ip address shows", at.Addr(), at.Addr(), bits)
	case engine.ReasonNoPermission:
		return "; ports below 1024 need CAP_NET_BIND_SERVICE: run as root, or AmbientCapabilities= and CapabilityBoundingSet= of the unit"
	}
	return ""
}

func hintDial(reason string, err error, d engine.Dial) string {
	switch reason {
	case engine.ReasonNoAddress:
		return fmt.Sprintf("; no interface of this host has the source address %v", d.From)
	case engine.ReasonRefused:
		return "; the host is there, but nobody listens on this port"
	case engine.ReasonTLSName:
		return fmt.Sprintf("; the peer's certificate must bear the name %q, as the configuration says", d.Server)
	}
	return hintTLS(err, d.TLS)
}

// notTaken is what to do when the other end ended a connection by an alert about this node's certificate.
const notTaken = "; the other end does not take this node's certificate, or not any more: its log says why"

// certificateAlert finds alerts that are about the certificate that this node showed, RFC 8446 §6.2 in the words of package tls.
var certificateAlert = regexp.MustCompile(`tls: (.*certificate.*)$`)

// hintTLS says what to do about a handshake, and whose certificate it was: the same to who dialled and to who was dialled.
func hintTLS(err error, profile string) string {
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var remote *net.OpError
	switch {
	case errors.As(err, &authority):
		return fmt.Sprintf("; no authority of profile %q signed the certificate that was shown%s; the profile's authorities must have the one that did", profile, whose(authority.Cert))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "; the other end's certificate must be renewed, or a clock set" + whose(invalid.Cert)
	case errors.As(err, &remote) && remote.Op == "remote error" && certificateAlert.MatchString(remote.Err.Error()):
		return notTaken
	}
	return ""
}

// maxWords is how much of an error about a connection is told, in octets: what a stranger's certificate says stands in it.
const maxWords = 300

// wordsOf are those of an error, bounded and printable.
func wordsOf(err error) string {
	s := strings.ToValidUTF8(err.Error(), "?")
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + "…"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// whose says what a certificate that is not believed claims.
func whose(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	names := strings.Join(c.DNSNames[:min(len(c.DNSNames), 4)], " ")
	return fmt.Sprintf(": %.200q, issued by %.200q", names, c.Issuer.String())
}

func noProfile(c Config, what, name string) string {
	has := strings.Join(slices.Sorted(maps.Keys(c.TLS)), ", ")
	if has == "" {
		has = "none"
	}
	return fmt.Sprintf("%s: the configuration has no TLS profile %q; it has: %s", what, name, has)
}

// checkTLS refuses profiles by which a peer would not be verified.
func checkTLS(c Config) error {
	for _, name := range slices.Sorted(maps.Keys(c.TLS)) {
		p := c.TLS[name]
		switch {
		case p == nil, len(p.Certificates) == 0 && p.GetCertificate == nil:
			return fmt.Errorf("driver: node %s: TLS profile %q has no certificate; both ends need one", c.Name, name)
		case p.ClientCAs == nil || p.RootCAs == nil:
			return fmt.Errorf("driver: node %s: TLS profile %q does not say which authorities are trusted, as clients (ClientCAs) and as servers (RootCAs)", c.Name, name)
		case p.InsecureSkipVerify:
			return fmt.Errorf("driver: node %s: TLS profile %q does not verify peers, which must be (RFC 6733 §13)", c.Name, name)
		}
	}
	return nil
}

// harden sets what every connection has whatever its profile says. A session is never resumed: connections live long, and each
// looks at the certificates anew.
func harden(p *tls.Config) *tls.Config { //spec DM-23
	p.MinVersion = max(p.MinVersion, tls.VersionTLS12)
	p.ClientAuth = tls.RequireAndVerifyClientCert
	p.SessionTicketsDisabled, p.ClientSessionCache = true, nil
	p.GetConfigForClient = nil
	p.DynamicRecordSizingDisabled = true
	p.VerifyConnection = named
	return p
}

// nameless is a certificate that was verified and says nobody's name.
type nameless struct{ subject string }

func (e nameless) Error() string {
	return fmt.Sprintf("the certificate of %q has no DNS name among its subject alternative names, and its common name does not count (RFC 9525): it must be issued anew, with subjectAltName=DNS:NAME", e.subject)
}

// named refuses a certificate that bears no DNS name, in the handshake, so that the other end is told as well.
func named(state tls.ConnectionState) error { //spec DM-23
	if len(proved(state)) > 0 {
		return nil
	}
	subject := ""
	if len(state.PeerCertificates) > 0 {
		subject = state.PeerCertificates[0].Subject.String()
	}
	return nameless{subject}
}

// proved are the names in the verified certificate of the peer: of its alternative names those of the DNS. A common name proves nothing: who
// signs looks at it as at any other word of the subject (RFC 6733 §13.1 with RFC 9525 §6.3).
func proved(state tls.ConnectionState) []string {
	if len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return nil
	}
	return slices.Clone(state.VerifiedChains[0][0].DNSNames)
}
