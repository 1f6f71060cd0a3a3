package peers

import "time"

// Times. Those marked RFC are its; the others are ours, chosen so that a request whose peer fell silent is on its way to another one
// within RequestWait + WatchdogWait, well under the 3 s that a mobile node would wait.
const (
	// WatchdogInterval is Tw, RFC 3539 §3.4.1: an idle peer is asked as often. Its 30 s would leave a home agent without its server for as long
	// when that is started again and nothing told the home agent; 6 s is the least that it allows.
	WatchdogInterval = 6 * time.Second
	WatchdogJitter   = 2 * time.Second // RFC 3539 §3.4.1: more or less than that
	// RequestWait without a word from a peer that owes an answer makes us ask at once whether it lives. RFC 3539 waits Tw, at least
	// 6 s, which costs a handover; here it costs a peer that is only slow one DWR in a second.
	RequestWait  = time.Second
	WatchdogWait = time.Second     // without DWA or anything else: suspect, its requests go elsewhere
	SuspectWait  = 5 * time.Second // a suspect that says nothing for so long loses its connection
	ReopenPause  = 200 * time.Millisecond
	ReopenAnswer = 3                      // DWAs that a peer which comes back must give before requests go to it, RFC 3539 §3.4.1
	ConnectWait  = 5 * time.Second        // for a connection, TLS included
	CEAWait      = 5 * time.Second        // for the other's CEA, or the end of an election
	CERWait      = 5 * time.Second        // for the CER of somebody who connected
	ClosingWait  = 5 * time.Second        // for the end of a connection after DPR or DPA
	MinBackoff   = 100 * time.Millisecond // before a peer is dialled again; doubled each time
	MaxBackoff   = 2 * time.Second        // a peer that is back has its requests within 3 s
	StayAway     = time.Minute            // before a peer that said BUSY or DO_NOT_WANT_TO_TALK_TO_YOU is dialled again
	StableTime   = 10 * time.Second       // a connection that was open so long was a good one: backoff begins anew
	MaxAge       = 10 * time.Second       // of a request sent on or of our own, all attempts together
	ServeAge     = 20 * time.Second       // of a request that the owner of the node has not answered
	AnsweredAge  = 4 * time.Minute        // an answer is kept for copies of its request: as long as an End-to-End Identifier is unique, RFC 6733 §3
	// OutdatedPause passes at least between two looks for answers that are kept no longer.
	OutdatedPause = 10 * time.Second
)

// Limits.
const (
	MaxPending       = 4096     // requests that wait for one peer
	MaxPendingAll    = 1 << 15  // for all peers; the hop-by-hop identifier has 15 bits for them
	MaxPendingOctets = 64 << 20 // which they hold
	MaxAsking        = 2048     // requests that came from one peer and are under way to others: it cannot take another peer from everybody
	MaxPeerOctets    = 4 << 20  // which the requests for one peer hold, or those of one peer at the owner
	MaxServed        = 4096     // requests of one peer that the owner has not answered
	MaxServedAll     = 1 << 14  // of all
	MaxServedOctets  = 64 << 20
	MaxAnswered      = 1 << 15 // answers kept for copies of their requests
	MaxAnsweredBytes = 32 << 20
	MaxWaiting       = 64       // connections of a listener from which no CER has come
	MaxWaitingFrom   = 16       // those of one /64 among them: nobody who only connects keeps all others out
	MaxCER           = 8 << 10  // octets of a message of somebody who is not known
	MaxStrangers     = 1024     // peers that are not listed
	MaxApps          = 64       // applications of one peer that are remembered
	MaxVia           = 32       // peers of a route
	MaxRedirects     = 3        // followed for one request
	MaxIdleBuffer    = 64 << 10 // octets of a connection's memory for messages that is kept for the next ones
	MaxIdleSlot      = 2 << 10  // the same of a request's
	MaxSays          = 256      // octets of a peer's Error-Message that an event repeats
	MaxNames         = 4        // names of a certificate that an event repeats,
	MaxNamesSays     = 200      // and octets of them
)

// Events besides changes of state.
const (
	EventRefused   = "peer.refused"    // somebody is not let in; reason, attrs peer (who he says he is), from, why, certificate (the names he proved)
	EventRefusedUs = "peer.refused-us" // a peer does not let this node in; attrs peer, result, says
)

// Reasons of drops, of PeerDown, and of events. Fixed words: they are counted.
const (
	Garbage          = "diameter-garbage"           // octets in which no next message can be found
	Malformed        = "diameter-malformed"         // the frame of a message is wrong
	BadGrammar       = "diameter-grammar"           // it does not agree with the dictionary
	NotCER           = "diameter-not-cer"           // the first message was another
	NotOpen          = "diameter-not-open"          // a message where none may come
	TooManyWaiting   = "diameter-too-many-waiting"  // MaxWaiting, MaxWaitingFrom
	CERLate          = "cer-late"                   // CERWait
	UnknownHost      = "peer-unknown"               // 3010
	OwnHost          = "peer-own-name"              // it says that it is us
	WrongName        = "peer-tls-name"              // its certificate is another's
	WithoutTLS       = "peer-without-tls"           // 5017, or a profile that is not the peer's
	WrongSource      = "peer-source-address"        // not where the peer's connections come from
	WrongRealm       = "peer-realm"                 // not the realm it is listed with
	NothingCommon    = "peer-nothing-common"        // 5010
	NoSecurity       = "peer-no-common-security"    // 5017
	TooManyStrangers = "peer-too-many"              // MaxStrangers
	RefusedUs        = "peer-refused-us"            // CEA with another result than success
	Rejected         = "peer-connected-twice"       // there is a connection already
	Elected          = "peer-election"              // the other connection was chosen
	Silent           = "peer-silent"                // no DWA
	Disconnected     = "peer-disconnects"           // DPR
	Timeout          = "peer-timeout"               // no connection, CEA or end in time
	Stopped          = "stopped"                    // Stop
	AnswerUnexpected = "diameter-answer-unexpected" // to nothing that this peer was asked
	AnswerLate       = "diameter-answer-late"       // who asked is gone
	DuplicateWaits   = "diameter-duplicate-waits"   // a copy of a request that is being answered
	Loop             = "diameter-loop"              // 3005
	NoRoute          = "diameter-no-route"          // 3003
	NotDelivered     = "diameter-not-delivered"     // 3002
	Busy             = "diameter-busy"              // 3004
	NoApplication    = "diameter-no-application"    // 3007
	NotListening     = "peer-not-listening"         // the world could not listen, or does not any more; it is asked again after MaxBackoff
	TooLong          = "diameter-too-long"          // more than diameter.MaxMessage
	NotAnswered      = "diameter-not-answered"      // MaxAge, or ServeAge
)
