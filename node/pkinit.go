package node

import (
	"fmt"

	"roam6/machine/tickets"
	"roam6/role/kdc"
)

// PKINITConfig is a certificate for logons to Kerberos (RFC 4556): a KDC's, or a mobile node's.
type PKINITConfig struct {
	Certificate string `yaml:"certificate,required" doc:"file with the certificate and those between it and the authority, PEM; it names its principal (id-pkinit-san): krbtgt/REALM@REALM a KDC's, the node's own a mobile node's"`
	Key         string `yaml:"key,required" doc:"file with the certificate's private key, PEM; nobody else may read it"`
	Authorities string `yaml:"authorities,required" doc:"file with the certificates of the authorities that the other end's certificates must come from, PEM"`
	Revoked     string `yaml:"revoked" doc:"file with the authorities' lists of revoked certificates, PEM; absent: none is taken for revoked"`

	server *kdc.PKINIT
	client *tickets.PKINIT
}

// PKINIT is a certificate for logons that a configuration names. Who reads files gives what is in them by SetServer or SetClient, before Build.
type PKINIT struct {
	At     string // where it stands
	Files  *PKINITConfig
	Server bool // a KDC's; else a mobile node's
}

// SetServer is what the files of a KDC hold.
func (p PKINIT) SetServer(x kdc.PKINIT) { p.Files.server = &x }

// SetClient is what the files of a mobile node hold.
func (p PKINIT) SetClient(x tickets.PKINIT) { p.Files.client = &x }

// PKINITs are the certificates for logons.
func (c *Config) PKINITs() (list []PKINIT) {
	for i, r := range c.Roles {
		at := fmt.Sprintf(defaultRolePfx, i)
		if r.KDC != nil && r.KDC.PKINIT != nil {
			list = append(list, PKINIT{at + ".kdc.pkinit", r.KDC.PKINIT, true})
		}
		if r.MN != nil && r.MN.Kerberos != nil && r.MN.Kerberos.PKINIT != nil {
			list = append(list, PKINIT{at + ".mn.kerberos.pkinit", r.MN.Kerberos.PKINIT, false})
		}
	}
	return list
}

func (k *checker) pkinit(at string, p *PKINITConfig) {
	if p == nil {
		return
	}
	k.path(at+".certificate", p.Certificate)
	k.path(at+".key", p.Key)
	k.path(at+".authorities", p.Authorities)
	if k.doc.Has(at + ".revoked") {
		k.path(at+".revoked", p.Revoked)
	}
}

// unread is the error of files that nobody has read: a world without files.
func (p *PKINITConfig) unread(at string) error {
	if p == nil || p.server != nil || p.client != nil {
		return nil
	}
	return fmt.Errorf("%s: nobody has read its files: only roam6 node does", at)
}
