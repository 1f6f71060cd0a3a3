package mh

import "strconv"

// Status is the Status of a Binding Acknowledgement. Values below 128 accept the Binding Update.
type Status uint8

// Status codes.
const (
	Accepted                Status = 0 // RFC 6275 §6.1.8
	AcceptedPrefixDiscovery Status = 1

	ReasonUnspecified            Status = 128
	AdministrativelyProhibited   Status = 129
	InsufficientResources        Status = 130
	HomeRegistrationNotSupported Status = 131
	NotHomeSubnet                Status = 132
	NotHomeAgent                 Status = 133
	DADFailed                    Status = 134
	SequenceOutOfWindow          Status = 135
	ExpiredHomeNonce             Status = 136
	ExpiredCareOfNonce           Status = 137
	ExpiredNonces                Status = 138
	TypeChangeDisallowed         Status = 139
	MobileRouterNotPermitted     Status = 140 // RFC 3963 §4.2
	InvalidPrefix                Status = 141
	NotAuthorizedForPrefix       Status = 142
	ForwardingSetupFailed        Status = 143
	IDMismatch                   Status = 144 // RFC 4285 §8: MIPV6-ID-MISMATCH, the timestamp is not close enough
	MessageIDRequired            Status = 145 // RFC 4285 §8: MIPV6-MESG-ID-REQD
	AuthFailed                   Status = 146 // RFC 4285 §8: MIPV6-AUTH-FAIL
	InvalidCoA                   Status = 174

	MCOANotComplete     Status = 4 // RFC 5648 §4.4: not all bindings were taken; each option has its own status
	MCOAReturnHomeNoNDP Status = 5
	MCOAMalformed       Status = 164
	MCOANonMCOAExists   Status = 165
	MCOAProhibited      Status = 166
	MCOAUnknownCoA      Status = 167
	MCOABulkProhibited  Status = 168
	MCOAHomeAndForeign  Status = 169
)

// Accepted reports whether the Binding Update was accepted.
func (s Status) Accepted() bool { return s < 128 }

// NoncesExpired reports whether a nonce is not known any longer: such an answer cannot be signed (RFC 6275 §9.5.4).
func (s Status) NoncesExpired() bool {
	return s == ExpiredHomeNonce || s == ExpiredCareOfNonce || s == ExpiredNonces
}

// String gives the words of the document that defines the code.
func (s Status) String() string {
	if w := statusWords[s]; w != "" {
		return w
	}
	return "Status " + strconv.Itoa(int(s))
}

var statusWords = [256]string{
	Accepted:                     "Binding Update accepted",
	AcceptedPrefixDiscovery:      "Accepted but prefix discovery necessary",
	ReasonUnspecified:            "Reason unspecified",
	AdministrativelyProhibited:   "Administratively prohibited",
	InsufficientResources:        "Insufficient resources",
	HomeRegistrationNotSupported: "Home registration not supported",
	NotHomeSubnet:                "Not home subnet",
	NotHomeAgent:                 "Not home agent for this mobile node",
	DADFailed:                    "Duplicate Address Detection failed",
	SequenceOutOfWindow:          "Sequence number out of window",
	ExpiredHomeNonce:             "Expired home nonce index",
	ExpiredCareOfNonce:           "Expired care-of nonce index",
	ExpiredNonces:                "Expired nonces",
	TypeChangeDisallowed:         "Registration type change disallowed",
	MobileRouterNotPermitted:     "Mobile Router Operation not permitted",
	InvalidPrefix:                "Invalid Prefix",
	NotAuthorizedForPrefix:       "Not Authorized for Prefix",
	ForwardingSetupFailed:        "Forwarding Setup failed",
	IDMismatch:                   "MIPV6-ID-MISMATCH",
	MessageIDRequired:            "MIPV6-MESG-ID-REQD",
	AuthFailed:                   "MIPV6-AUTH-FAIL",
	InvalidCoA:                   "Invalid Care-of Address",
	MCOANotComplete:              "MCOA NOTCOMPLETE",
	MCOAReturnHomeNoNDP:          "MCOA RETURNHOME WO/NDP",
	MCOAMalformed:                "MCOA MALFORMED",
	MCOANonMCOAExists:            "MCOA NON-MCOA BINDING EXISTS",
	MCOAProhibited:               "MCOA PROHIBITED",
	MCOAUnknownCoA:               "MCOA UNKNOWN COA",
	MCOABulkProhibited:           "MCOA BULK REGISTRATION PROHIBITED",
	MCOAHomeAndForeign:           "MCOA SIMULTANEOUS HOME AND FOREIGN PROHIBITED",
}
