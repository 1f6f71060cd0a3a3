// Package eap turns the packets of the Extensible Authentication Protocol into values and back: RFC 3748 §4 and §5, and the messages of
// one method, EAP-GPSK (RFC 5433 §9).
//
//	octets ──Parse──▶ Packet ─┬─ Identity, Notification: Data is text
//	                          ├─ Nak                     ──ParseNak──▶ the methods wanted instead
//	                          └─ GPSK                    ──ParseGPSK─▶ *GPSK1 … *GPSK4, *GPSKFail, *GPSKProtectedFail
//
// A method has one name whether it comes as one octet or as an Expanded Type of vendor 0 (§5.7); Packet.Expanded keeps the form, because
// an answer has to have that of its question. Parse and ParseGPSK check everything a packet alone can tell. Whether its identifier
// is the expected one, and every MAC, stays with who takes it (packages machine/eap and keying/gpsk).
//
// There is no fragmentation here: methods that need it bring it along (§3.1).
package eap
