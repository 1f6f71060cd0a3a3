package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"roam6/engine"
	keys "roam6/keying/krb5"
	"roam6/wire/krb5"
)

// kdcPatience is for a KDC to start, and to answer.
const kdcPatience = 10 * time.Second

// kdcStride is how far apart the users of two logons are: none comes again before all have come.
const kdcStride = 7919

// kdcLoad is clients of one KDC.
type kdcLoad struct {
	users int
	key   func(user int) (keys.Key, error)
	rand  *engine.Rand
	next  int // of users
	nonce uint32
	conns []*net.UDPConn
	tgts  []kdcTGT
}

// kdcTGT is a logon.
type kdcTGT struct {
	client  krb5.Principal
	ticket  krb5.Ticket
	session keys.Key
}

func newKDCLoad(users int, key func(int) (keys.Key, error)) *kdcLoad {
	return &kdcLoad{users: users, key: key, rand: engine.NewRand([32]byte{7})}
}

// connect makes the ports by which requests leave: each waits for one answer at a time. It returns when the KDC answers.
func (l *kdcLoad) connect(port int) error {
	for range 2 * kdcWindow {
		c, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return lacks(err)
		}
		l.conns = append(l.conns, c)
	}
	for late := time.Now().Add(kdcPatience); ; time.Sleep(20 * time.Millisecond) {
		list, err := l.requests(kdcAS, 1)
		if err != nil {
			return err
		}
		if _, err = ask(l.conns[0], list[0], make([]byte, 1<<16), 200*time.Millisecond); err == nil {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("the KDC does not answer within %v: %w", kdcPatience, err)
		}
	}
}

func (l *kdcLoad) close() {
	for _, c := range l.conns {
		_ = c.Close()
	}
}

// ask sends a request and waits for its answer, which must be a reply.
func ask(c *net.UDPConn, request, b []byte, patience time.Duration) ([]byte, error) {
	if _, err := c.Write(request); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	n, err := c.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("no answer within %v", patience)
	}
	if err != nil {
		return nil, err
	}
	switch k := krb5.KindOf(b[:n]); k {
	case krb5.KindASRep, krb5.KindTGSRep:
		return b[:n], nil
	case krb5.KindError:
		e, err := krb5.ParseKRBError(b[:n])
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%v %s", e.Code, e.Text)
	default:
		return nil, fmt.Errorf("an answer that is %v", k)
	}
}

// requests makes so many requests, each of them new.
func (l *kdcLoad) requests(exchange, n int) (list [][]byte, err error) {
	for range n {
		var b []byte
		if exchange == kdcAS {
			_, b, err = l.asReq()
		} else {
			b, err = l.tgsReq(l.tgts[len(list)%len(l.tgts)], kdcService(len(list)%kdcServices))
		}
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

func (l *kdcLoad) seal(k keys.Key, u keys.Usage, plain []byte) krb5.EncryptedData {
	var confounder [keys.ConfounderLen]byte
	l.rand.Read(confounder[:])
	return krb5.EncryptedData{EType: int32(k.EType()), Cipher: k.Encrypt(nil, u, confounder[:], plain)}
}

// body is what any request asks for.
func (l *kdcLoad) body(server krb5.Name, now time.Time) krb5.KDCReqBody {
	l.nonce++
	return krb5.KDCReqBody{Realm: kdcRealm, Server: server, Till: now.Add(10 * time.Hour), Nonce: l.nonce, ETypes: []int32{int32(kdcEType)}}
}

// asReq is a logon of the next user, with pre-authentication.
func (l *kdcLoad) asReq() (user int, b []byte, err error) {
	user = l.next * kdcStride % l.users
	l.next++
	key, err := l.key(user)
	if err != nil {
		return 0, nil, err
	}
	client, err := krb5.ParsePrincipal(kdcUser(user))
	if err != nil {
		return 0, nil, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	q := krb5.KDCReq{Body: l.body(krb5.TGS(kdcRealm), now)}
	q.Body.Client = client.Name
	stamp := l.seal(key, keys.PAEncTimestamp, krb5.PAEncTSEnc{Time: now}.Append(nil))
	q.PAData = krb5.List{{Type: krb5.PAEncTimestamp, Data: stamp.Append(nil)}}
	return user, q.Append(nil), nil
}

// tgsReq asks for a ticket.
func (l *kdcLoad) tgsReq(t kdcTGT, service string) ([]byte, error) {
	server, err := krb5.ParsePrincipal(service)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	q := krb5.KDCReq{TGS: true, Body: l.body(server.Name, now)}
	sum := krb5.Checksum{Type: kdcEType.Checksum(), Sum: t.session.Checksum(nil, keys.TGSReqChecksum, q.Body.Append(nil))}
	auth := krb5.Authenticator{Client: t.client, Time: now, Checksum: sum}
	ap := krb5.APReq{Ticket: t.ticket, Authenticator: l.seal(t.session, keys.TGSReqAuth, auth.Append(nil))}
	q.PAData = krb5.List{{Type: krb5.PATGSReq, Data: ap.Append(nil)}}
	return q.Append(nil), nil
}

// logons gets TGTs.
func (l *kdcLoad) logons(n int) error {
	for range n {
		user, b, err := l.asReq()
		if err != nil {
			return err
		}
		got, err := ask(l.conns[0], b, make([]byte, 1<<16), kdcPatience)
		if err != nil {
			return fmt.Errorf("the logon of %s: %w", kdcUser(user), err)
		}
		rep, err := krb5.ParseKDCRep(bytes.Clone(got))
		if err != nil {
			return err
		}
		key, err := l.key(user)
		if err != nil {
			return err
		}
		plain, err := key.Decrypt(nil, keys.ASRepPart, rep.Enc.Cipher)
		if err != nil {
			return err
		}
		part, err := krb5.ParseEncKDCRepPart(plain)
		if err != nil {
			return err
		}
		session, err := keys.NewKey(keys.EType(part.Key.EType), part.Key.Value)
		if err != nil {
			return err
		}
		if rep.Ticket.Enc.EType != int32(kdcEType) || part.Key.EType != int32(kdcEType) {
			return fmt.Errorf("a ticket of encryption type %d with a key of %d; %d is measured", rep.Ticket.Enc.EType, part.Key.EType, kdcEType)
		}
		l.tgts = append(l.tgts, kdcTGT{client: rep.Client, ticket: rep.Ticket, session: session})
	}
	return nil
}

// press keeps so many requests under way until all are answered.
func (l *kdcLoad) press(list [][]byte, window int) (time.Duration, error) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	for _, c := range l.conns[:window] {
		wg.Go(func() {
			b := make([]byte, 1<<12)
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				if _, err := ask(c, list[i], b, kdcPatience); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return took, nil
}

// pace sends a request every so often, whatever has been answered, and tells how long each answer took.
func (l *kdcLoad) pace(list [][]byte, every time.Duration) ([]time.Duration, error) {
	type due struct {
		i  int
		at time.Time
	}
	took, errs := make([]time.Duration, len(list)), make([]error, len(l.conns))
	queue := make(chan due, len(list))
	var wg sync.WaitGroup
	for n, c := range l.conns {
		wg.Go(func() {
			b := make([]byte, 1<<12)
			for d := range queue {
				if _, err := ask(c, list[d.i], b, kdcPatience); err != nil {
					errs[n] = err
				}
				took[d.i] = time.Since(d.at)
			}
		})
	}
	began := time.Now()
	for i := range list {
		time.Sleep(time.Until(began.Add(time.Duration(i) * every)))
		queue <- due{i, time.Now()}
	}
	close(queue)
	wg.Wait()
	return took, errors.Join(errs...)
}
