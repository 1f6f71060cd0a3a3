package principal

import (
	"fmt"
	"io"
	"strings"
	"time"

	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// Table is the table that a database answers engines' queries for: key a principal as text, name@REALM.
const Table = "principal"

// Limits of what a principal holds.
const (
	MaxName       = 255                  // octets of a principal as text: what lightweight Kerberos can say
	MaxVersions   = 4                    // versions of keys that are kept
	MaxKeys       = 4 * MaxVersions      // of all encryption types
	MaxVersion    = 1<<31 - 1            // the highest version: what readers with sign understand
	MaxSalt       = 512                  // octets
	MaxAttributes = 444                  // octets of AVPs that with length, algorithm and signature are 512, as much as a lightweight ticket takes
	MaxLife       = 31 * 24 * time.Hour  // of a ticket
	MaxRenew      = 365 * 24 * time.Hour // from the first ticket to the end of the last renewed one
	MaxEncoded    = 16 << 10             // octets that Decode looks at
)

// Kind is what a principal is.
type Kind string

// The kinds.
const (
	Service    Kind = "service"    // two components or more, entered by `roam6 principal`
	Subscriber Kind = "subscriber" // one component; there as long as the subscriber is
)

// Flags are what a principal may. A ticket gets forwardable, proxiable and renewable where client and server both have it.
type Flags uint16

// The flags.
const (
	Client      Flags = 1 << iota // may log on: AS exchange
	Server                        // others may get tickets for it that are sealed under its key
	UserToUser                    // others may get tickets for it that are sealed under the session key of its TGT (RFC 4120 §3.7)
	Forwardable                   // tickets may be forwardable
	Proxiable                     // tickets may be proxiable
	Renewable                     // tickets may be renewed
	PreAuth                       // as a client it has to prove that it has its key before it gets anything; as a server, its clients had to
)

// FlagNames are the flags as text, the lowest bit first.
var FlagNames = []string{"client", "server", "user-to-user", "forwardable", "proxiable", "renewable", "preauth"}

// What a new principal may.
const (
	ServiceFlags    = Client | Server | UserToUser | Forwardable | Proxiable | Renewable | PreAuth
	TGSFlags        = Server | Forwardable | Proxiable | Renewable // krbtgt/…: nobody logs on as a KDC
	SubscriberFlags = Client | UserToUser | Forwardable | Proxiable | Renewable | PreAuth
)

// Has says whether all of these flags are set.
func (f Flags) Has(all Flags) bool { return f&all == all }

// Names are the names of those set.
func (f Flags) Names() []string {
	out := []string{}
	for i, n := range FlagNames {
		if f&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// String is the names with commas between them.
func (f Flags) String() string { return strings.Join(f.Names(), ",") }

// ParseFlags reads what String gives.
func ParseFlags(s string) (f Flags, err error) {
	for n := range strings.SplitSeq(s, ",") {
		bit := flagOf(strings.TrimSpace(n))
		if bit == 0 && s != "" {
			return 0, fmt.Errorf("flag %.40q: allowed are %s", n, strings.Join(FlagNames, ", "))
		}
		f |= bit
	}
	return f, nil
}

func flagOf(name string) Flags {
	for i, n := range FlagNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// Secret is the octets of a key. It never prints.
type Secret []byte

// String says "[key]".
func (Secret) String() string { return hidden }

// Format says "[key]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, hidden) }

// MarshalText says "[key]".
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

const hidden = "[key]"

// Key is one long-term key: of a version (kvno) and an encryption type.
type Key struct {
	Version uint32
	EType   keys.EType
	Octets  Secret    // the protocol key (RFC 3961 §3)
	Salt    string    // of a password's key, as ETYPE-INFO2 tells it; empty for others
	Params  []byte    // s2kparams of a password's key; none: those that its encryption type has by itself
	Made    time.Time // whole seconds, UTC; the zero time if nobody knows
}

// Protocol is the key as package keying/krb5 works with it.
func (k Key) Protocol() (keys.Key, error) { return keys.NewKey(k.EType, k.Octets) }

// Password says whether the key was made of a password.
func (k Key) Password() bool { return k.Salt != "" }

// Principal is one principal.
type Principal struct {
	Name       string // as text in its one form, as ParsePrincipal of wire/krb5 reads it
	Kind       Kind
	Enabled    bool
	Keys       []Key // the newest version first, in a version the strongest encryption type
	Flags      Flags
	MaxLife    time.Duration // of a ticket; 0: the KDC's own
	MaxRenew   time.Duration // 0: the KDC's own
	Attributes []byte        // Diameter AVPs (RFC 6733 §4.1) for AD-MOBILEIP-ATTRIBUTES of its tickets; of a client
	Revision   uint64        // of the database when this was written; grows with every change
}

// ID is the name in its parts.
func (p *Principal) ID() krb5.Principal {
	id, _ := krb5.ParsePrincipal(p.Name) // Check has seen it
	return id
}

// Newest is the newest version of keys; 0 without any.
func (p *Principal) Newest() uint32 {
	if len(p.Keys) == 0 {
		return 0
	}
	return p.Keys[0].Version
}

// Key finds the key of an encryption type: of a version, or with version 0 the newest that there is.
func (p *Principal) Key(e keys.EType, version uint32) (Key, bool) {
	for _, k := range p.Keys {
		if k.EType == e && (version == 0 || k.Version == version) {
			return k, true
		}
	}
	return Key{}, false
}

// Best is the newest key, of the strongest encryption type: what to seal tickets under.
func (p *Principal) Best() (Key, bool) {
	if len(p.Keys) == 0 {
		return Key{}, false
	}
	return p.Keys[0], true
}
