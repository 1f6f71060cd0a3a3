package krb5

import "fmt"

// ErrorCode is the error-code of a KRB-ERROR, RFC 4120 §7.5.9.
type ErrorCode int32

// The codes, with those of RFC 4556 §3.1.3, RFC 6113 §5 and IAKERB. Numbers 80 and 81, which draft-ietf-cat-iakerb-09 §6 took for
// the last two, went to RFC 4556; IANA gave them 85 and 86.
const (
	ErrNone                            ErrorCode = 0  // KDC_ERR_NONE
	ErrNameExp                         ErrorCode = 1  // KDC_ERR_NAME_EXP
	ErrServiceExp                      ErrorCode = 2  // KDC_ERR_SERVICE_EXP
	ErrBadPvno                         ErrorCode = 3  // KDC_ERR_BAD_PVNO
	ErrCOldMastKvno                    ErrorCode = 4  // KDC_ERR_C_OLD_MAST_KVNO
	ErrSOldMastKvno                    ErrorCode = 5  // KDC_ERR_S_OLD_MAST_KVNO
	ErrCPrincipalUnknown               ErrorCode = 6  // KDC_ERR_C_PRINCIPAL_UNKNOWN
	ErrSPrincipalUnknown               ErrorCode = 7  // KDC_ERR_S_PRINCIPAL_UNKNOWN
	ErrPrincipalNotUnique              ErrorCode = 8  // KDC_ERR_PRINCIPAL_NOT_UNIQUE
	ErrNullKey                         ErrorCode = 9  // KDC_ERR_NULL_KEY
	ErrCannotPostdate                  ErrorCode = 10 // KDC_ERR_CANNOT_POSTDATE
	ErrNeverValid                      ErrorCode = 11 // KDC_ERR_NEVER_VALID
	ErrPolicy                          ErrorCode = 12 // KDC_ERR_POLICY
	ErrBadoption                       ErrorCode = 13 // KDC_ERR_BADOPTION
	ErrEtypeNosupp                     ErrorCode = 14 // KDC_ERR_ETYPE_NOSUPP
	ErrSumtypeNosupp                   ErrorCode = 15 // KDC_ERR_SUMTYPE_NOSUPP
	ErrPadataTypeNosupp                ErrorCode = 16 // KDC_ERR_PADATA_TYPE_NOSUPP
	ErrTrtypeNosupp                    ErrorCode = 17 // KDC_ERR_TRTYPE_NOSUPP
	ErrClientRevoked                   ErrorCode = 18 // KDC_ERR_CLIENT_REVOKED
	ErrServiceRevoked                  ErrorCode = 19 // KDC_ERR_SERVICE_REVOKED
	ErrTGTRevoked                      ErrorCode = 20 // KDC_ERR_TGT_REVOKED
	ErrClientNotyet                    ErrorCode = 21 // KDC_ERR_CLIENT_NOTYET
	ErrServiceNotyet                   ErrorCode = 22 // KDC_ERR_SERVICE_NOTYET
	ErrKeyExpired                      ErrorCode = 23 // KDC_ERR_KEY_EXPIRED
	ErrPreauthFailed                   ErrorCode = 24 // KDC_ERR_PREAUTH_FAILED
	ErrPreauthRequired                 ErrorCode = 25 // KDC_ERR_PREAUTH_REQUIRED
	ErrServerNomatch                   ErrorCode = 26 // KDC_ERR_SERVER_NOMATCH
	ErrMustUseUser2user                ErrorCode = 27 // KDC_ERR_MUST_USE_USER2USER
	ErrPathNotAccepted                 ErrorCode = 28 // KDC_ERR_PATH_NOT_ACCEPTED
	ErrSvcUnavailable                  ErrorCode = 29 // KDC_ERR_SVC_UNAVAILABLE
	ErrBadIntegrity                    ErrorCode = 31 // KRB_AP_ERR_BAD_INTEGRITY
	ErrTktExpired                      ErrorCode = 32 // KRB_AP_ERR_TKT_EXPIRED
	ErrTktNYV                          ErrorCode = 33 // KRB_AP_ERR_TKT_NYV
	ErrRepeat                          ErrorCode = 34 // KRB_AP_ERR_REPEAT
	ErrNotUs                           ErrorCode = 35 // KRB_AP_ERR_NOT_US
	ErrBadmatch                        ErrorCode = 36 // KRB_AP_ERR_BADMATCH
	ErrSkew                            ErrorCode = 37 // KRB_AP_ERR_SKEW
	ErrBadaddr                         ErrorCode = 38 // KRB_AP_ERR_BADADDR
	ErrBadversion                      ErrorCode = 39 // KRB_AP_ERR_BADVERSION
	ErrMsgType                         ErrorCode = 40 // KRB_AP_ERR_MSG_TYPE
	ErrModified                        ErrorCode = 41 // KRB_AP_ERR_MODIFIED
	ErrBadorder                        ErrorCode = 42 // KRB_AP_ERR_BADORDER
	ErrBadkeyver                       ErrorCode = 44 // KRB_AP_ERR_BADKEYVER
	ErrNokey                           ErrorCode = 45 // KRB_AP_ERR_NOKEY
	ErrMutFail                         ErrorCode = 46 // KRB_AP_ERR_MUT_FAIL
	ErrBaddirection                    ErrorCode = 47 // KRB_AP_ERR_BADDIRECTION
	ErrMethod                          ErrorCode = 48 // KRB_AP_ERR_METHOD
	ErrBadseq                          ErrorCode = 49 // KRB_AP_ERR_BADSEQ
	ErrInappCksum                      ErrorCode = 50 // KRB_AP_ERR_INAPP_CKSUM
	ErrPathNotAcceptedAP               ErrorCode = 51 // KRB_AP_PATH_NOT_ACCEPTED
	ErrResponseTooBig                  ErrorCode = 52 // KRB_ERR_RESPONSE_TOO_BIG
	ErrGeneric                         ErrorCode = 60 // KRB_ERR_GENERIC
	ErrFieldToolong                    ErrorCode = 61 // KRB_ERR_FIELD_TOOLONG
	ErrClientNotTrusted                ErrorCode = 62 // KDC_ERR_CLIENT_NOT_TRUSTED
	ErrKDCNotTrusted                   ErrorCode = 63 // KDC_ERR_KDC_NOT_TRUSTED
	ErrInvalidSig                      ErrorCode = 64 // KDC_ERR_INVALID_SIG
	ErrDHKeyParametersNotAccepted      ErrorCode = 65 // KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED
	ErrCertificateMismatch             ErrorCode = 66 // KDC_ERR_CERTIFICATE_MISMATCH
	ErrNoTGT                           ErrorCode = 67 // KRB_AP_ERR_NO_TGT
	ErrWrongRealm                      ErrorCode = 68 // KDC_ERR_WRONG_REALM
	ErrUserToUserRequired              ErrorCode = 69 // KRB_AP_ERR_USER_TO_USER_REQUIRED
	ErrCantVerifyCertificate           ErrorCode = 70 // KDC_ERR_CANT_VERIFY_CERTIFICATE
	ErrInvalidCertificate              ErrorCode = 71 // KDC_ERR_INVALID_CERTIFICATE
	ErrRevokedCertificate              ErrorCode = 72 // KDC_ERR_REVOKED_CERTIFICATE
	ErrRevocationStatusUnknown         ErrorCode = 73 // KDC_ERR_REVOCATION_STATUS_UNKNOWN
	ErrRevocationStatusUnavailable     ErrorCode = 74 // KDC_ERR_REVOCATION_STATUS_UNAVAILABLE
	ErrClientNameMismatch              ErrorCode = 75 // KDC_ERR_CLIENT_NAME_MISMATCH
	ErrKDCNameMismatch                 ErrorCode = 76 // KDC_ERR_KDC_NAME_MISMATCH
	ErrInconsistentKeyPurpose          ErrorCode = 77 // KDC_ERR_INCONSISTENT_KEY_PURPOSE
	ErrDigestInCertNotAccepted         ErrorCode = 78 // KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED
	ErrPAChecksumMustBeIncluded        ErrorCode = 79 // KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED
	ErrDigestInSignedDataNotAccepted   ErrorCode = 80 // KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED
	ErrPublicKeyEncryptionNotSupported ErrorCode = 81 // KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED
	ErrIAKERBKDCNotFound               ErrorCode = 85 // KRB_AP_ERR_IAKERB_KDC_NOT_FOUND
	ErrIAKERBKDCNoResponse             ErrorCode = 86 // KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE
	ErrPreauthExpired                  ErrorCode = 90 // KDC_ERR_PREAUTH_EXPIRED
	ErrMorePreauthDataRequired         ErrorCode = 91 // KDC_ERR_MORE_PREAUTH_DATA_REQUIRED
	ErrPreauthBadAuthenticationSet     ErrorCode = 92 // KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET
	ErrUnknownCriticalFastOptions      ErrorCode = 93 // KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS

	ErrNoAcceptableKDF ErrorCode = 100 // KDC_ERR_NO_ACCEPTABLE_KDF, RFC 8636 §4
)

var errorNames = map[ErrorCode]string{
	0:  "KDC_ERR_NONE",
	1:  "KDC_ERR_NAME_EXP",
	2:  "KDC_ERR_SERVICE_EXP",
	3:  "KDC_ERR_BAD_PVNO",
	4:  "KDC_ERR_C_OLD_MAST_KVNO",
	5:  "KDC_ERR_S_OLD_MAST_KVNO",
	6:  "KDC_ERR_C_PRINCIPAL_UNKNOWN",
	7:  "KDC_ERR_S_PRINCIPAL_UNKNOWN",
	8:  "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
	9:  "KDC_ERR_NULL_KEY",
	10: "KDC_ERR_CANNOT_POSTDATE",
	11: "KDC_ERR_NEVER_VALID",
	12: "KDC_ERR_POLICY",
	13: "KDC_ERR_BADOPTION",
	14: "KDC_ERR_ETYPE_NOSUPP",
	15: "KDC_ERR_SUMTYPE_NOSUPP",
	16: "KDC_ERR_PADATA_TYPE_NOSUPP",
	17: "KDC_ERR_TRTYPE_NOSUPP",
	18: "KDC_ERR_CLIENT_REVOKED",
	19: "KDC_ERR_SERVICE_REVOKED",
	20: "KDC_ERR_TGT_REVOKED",
	21: "KDC_ERR_CLIENT_NOTYET",
	22: "KDC_ERR_SERVICE_NOTYET",
	23: "KDC_ERR_KEY_EXPIRED",
	24: "KDC_ERR_PREAUTH_FAILED",
	25: "KDC_ERR_PREAUTH_REQUIRED",
	26: "KDC_ERR_SERVER_NOMATCH",
	27: "KDC_ERR_MUST_USE_USER2USER",
	28: "KDC_ERR_PATH_NOT_ACCEPTED",
	29: "KDC_ERR_SVC_UNAVAILABLE",
	31: "KRB_AP_ERR_BAD_INTEGRITY",
	32: "KRB_AP_ERR_TKT_EXPIRED",
	33: "KRB_AP_ERR_TKT_NYV",
	34: "KRB_AP_ERR_REPEAT",
	35: "KRB_AP_ERR_NOT_US",
	36: "KRB_AP_ERR_BADMATCH",
	37: "KRB_AP_ERR_SKEW",
	38: "KRB_AP_ERR_BADADDR",
	39: "KRB_AP_ERR_BADVERSION",
	40: "KRB_AP_ERR_MSG_TYPE",
	41: "KRB_AP_ERR_MODIFIED",
	42: "KRB_AP_ERR_BADORDER",
	44: "KRB_AP_ERR_BADKEYVER",
	45: "KRB_AP_ERR_NOKEY",
	46: "KRB_AP_ERR_MUT_FAIL",
	47: "KRB_AP_ERR_BADDIRECTION",
	48: "KRB_AP_ERR_METHOD",
	49: "KRB_AP_ERR_BADSEQ",
	50: "KRB_AP_ERR_INAPP_CKSUM",
	51: "KRB_AP_PATH_NOT_ACCEPTED",
	52: "KRB_ERR_RESPONSE_TOO_BIG",
	60: "KRB_ERR_GENERIC",
	61: "KRB_ERR_FIELD_TOOLONG",
	62: "KDC_ERR_CLIENT_NOT_TRUSTED",
	63: "KDC_ERR_KDC_NOT_TRUSTED",
	64: "KDC_ERR_INVALID_SIG",
	65: "KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED",
	66: "KDC_ERR_CERTIFICATE_MISMATCH",
	67: "KRB_AP_ERR_NO_TGT",
	68: "KDC_ERR_WRONG_REALM",
	69: "KRB_AP_ERR_USER_TO_USER_REQUIRED",
	70: "KDC_ERR_CANT_VERIFY_CERTIFICATE",
	71: "KDC_ERR_INVALID_CERTIFICATE",
	72: "KDC_ERR_REVOKED_CERTIFICATE",
	73: "KDC_ERR_REVOCATION_STATUS_UNKNOWN",
	74: "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE",
	75: "KDC_ERR_CLIENT_NAME_MISMATCH",
	76: "KDC_ERR_KDC_NAME_MISMATCH",
	77: "KDC_ERR_INCONSISTENT_KEY_PURPOSE",
	78: "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED",
	79: "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED",
	80: "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED",
	81: "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED",
	85: "KRB_AP_ERR_IAKERB_KDC_NOT_FOUND",
	86: "KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE",
	90: "KDC_ERR_PREAUTH_EXPIRED",
	91: "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
	92: "KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET",
	93: "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS",

	100: "KDC_ERR_NO_ACCEPTABLE_KDF",
}

// String is the name of the RFC, or the number.
func (c ErrorCode) String() string {
	if n := errorNames[c]; n != "" {
		return n
	}
	return fmt.Sprintf("error %d", int32(c))
}
