package krb5

// Usage is a key usage number, RFC 4120 §7.5.1: keys of different usages have nothing in common.
type Usage uint32

// The usages. Names say what is encrypted or summed, and under which key.
const (
	PAEncTimestamp     Usage = 1  // PA-ENC-TIMESTAMP, client key
	TicketPart         Usage = 2  // EncTicketPart, service key
	ASRepPart          Usage = 3  // EncASRepPart, client key
	TGSReqDataSession  Usage = 4  // enc-authorization-data, session key
	TGSReqDataSubkey   Usage = 5  // the same, subkey of the authenticator
	TGSReqChecksum     Usage = 6  // checksum in the authenticator of PA-TGS-REQ, over KDC-REQ-BODY; asChecksum of PKINIT, too
	TGSReqAuth         Usage = 7  // that authenticator, session key
	TGSRepPartSession  Usage = 8  // EncTGSRepPart, session key
	TGSRepPartSubkey   Usage = 9  // the same, subkey
	APReqChecksum      Usage = 10 // checksum in the authenticator of AP-REQ
	APReqAuth          Usage = 11 // that authenticator, session key
	APRepPart          Usage = 12 // EncAPRepPart, session key
	PrivPart           Usage = 13 // KRB-PRIV
	CredPart           Usage = 14 // KRB-CRED
	SafeChecksum       Usage = 15 // KRB-SAFE
	KDCIssued          Usage = 19 // AD-KDCIssued
	IAKERBFinished     Usage = 42 // KRB-FINISHED of draft-ietf-kitten-iakerb-03
	PKINITKX           Usage = 44 // RFC 6112 §4
	FASTReqChecksum    Usage = 50 // RFC 6113 §5.4.2: req-checksum, armor key
	FASTEnc            Usage = 51 // enc-fast-req, armor key
	FASTRep            Usage = 52 // enc-fast-rep, armor key
	FASTFinished       Usage = 53 // ticket-checksum, armor key
	EncChallengeClient Usage = 54 // RFC 6113 §5.4.6, challenge key
	EncChallengeKDC    Usage = 55
	ASReq              Usage = 56 // PA-REQ-ENC-PA-REP, RFC 6806 §11, reply key
)
