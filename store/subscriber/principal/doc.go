// Package principal is what the subscriber database tells of one principal of Kerberos (RFC 4120), as a value and as octets (JSON;
// docs/kerberos.md has every key): a service (krbtgt/…, mobileip/…, host/…), or a subscriber, who is ann@HOME.EXAMPLE by the NAI
// ann@home.example. It knows no SQL and no files, so that the KDC that is told of a principal reads it by this package too.
//
//	Fresh, OfSubscriber, Drawn, FromPassword ──▶ Principal ── Add, Renew, Drop: versions of keys ──▶ Check ── Encode ──▶ Decode
//
// Keys never print. Nothing here draws randomness or knows the time: who makes keys brings both.
package principal
