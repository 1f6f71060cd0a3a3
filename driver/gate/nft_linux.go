package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Of nf_tables (linux/netfilter/nf_tables.h) what gates need, in messages of our own: a library for all of it would be larger than
// this node's kernel side.

const (
	// nftOwner makes a table its socket's (NFT_TABLE_F_OWNER, Linux 5.12): nobody else changes it, and it goes when the socket is
	// closed, however that comes about.
	nftOwner   = 2
	nftCounter = 1 // NFT_OBJECT_COUNTER
	nftDrop    = 0 // NF_DROP
	nftAccept  = 1 // NF_ACCEPT
	nftForward = 2 // NF_INET_FORWARD
	// nftAnswer is the room for one answer; with capped acknowledgements none is longer.
	nftAnswer = 8192
	// nftDump is the room for a part of a long answer, and so how much the kernel tells at a time.
	nftDump = 32 << 10
	// nftPatience bounds the wait for a question's answer, which is there as soon as it was asked.
	nftPatience = time.Second
)

// nft is a netlink socket to nf_tables.
type nft struct {
	fd  int
	seq uint32
}

func openNFT() (*nft, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	patience := unix.NsecToTimeval(int64(nftPatience))
	err = errors.Join(unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_CAP_ACK, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience))
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &nft{fd: fd}, nil
}

func (n *nft) close() error { return unix.Close(n.fd) }

// message is one message: its type (NFT_MSG_…), its flags beside NLM_F_REQUEST, its attributes.
type message struct {
	kind  uint16
	flags uint16
	attrs []byte
}

// encode appends a message with its netlink and netfilter headers.
func (n *nft) encode(b []byte, kind, flags uint16, family uint8, res uint16, attrs []byte) []byte {
	n.seq++
	b = binary.NativeEndian.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+4+len(attrs)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = binary.NativeEndian.AppendUint32(b, n.seq)
	b = binary.NativeEndian.AppendUint32(b, 0)
	b = append(b, family, 0)
	b = binary.BigEndian.AppendUint16(b, res)
	return append(b, attrs...)
}

// do carries out a list of messages, all of them or none.
func (n *nft) do(list []message) error {
	b := n.encode(nil, unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil)
	for i, m := range list {
		if i == len(list)-1 {
			m.flags |= unix.NLM_F_ACK // errors are told of all of them
		}
		b = n.encode(b, unix.NFNL_SUBSYS_NFTABLES<<8|m.kind, m.flags, unix.AF_INET6, 0, m.attrs)
	}
	b = n.encode(b, unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil)
	return n.exchange(b, nil, nftAnswer)
}

// ask sends one question and hands its answer's attributes to take.
func (n *nft) ask(m message, take func(attrs []byte)) error {
	return n.exchange(n.encode(nil, unix.NFNL_SUBSYS_NFTABLES<<8|m.kind, m.flags|unix.NLM_F_ACK, unix.AF_INET6, 0, m.attrs), take, nftAnswer)
}

// dump is ask for a question whose answer may be long.
func (n *nft) dump(m message, take func(attrs []byte)) error {
	return n.exchange(n.encode(nil, unix.NFNL_SUBSYS_NFTABLES<<8|m.kind, m.flags|unix.NLM_F_DUMP, unix.AF_INET6, 0, m.attrs), take, nftDump)
}

// exchange sends, and reads up to the acknowledgement, the end of a long answer or the first error. The kernel does its work while it is sent to, so that all
// answers wait already.
func (n *nft) exchange(b []byte, take func(attrs []byte), room int) error {
	if err := unix.Sendto(n.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, room)
	for {
		k, _, err := unix.Recvfrom(n.fd, buf, 0)
		if err != nil {
			return fmt.Errorf("no answer: %w", err)
		}
		done, err := answers(buf[:k], take)
		if err != nil {
			n.drain()
		}
		if done {
			return err
		}
	}
}

// answers reads the messages of one datagram. done is true with the acknowledgement, at the end of a long answer, or with an error.
func answers(b []byte, take func(attrs []byte)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return true, errors.New("an answer that cannot be read")
		}
		body := b[unix.NLMSG_HDRLEN:size]
		switch {
		case len(body) < 4:
			return true, errors.New("an answer that cannot be read")
		case binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_ERROR, binary.NativeEndian.Uint16(b[4:]) == unix.NLMSG_DONE:
			if errno := -int32(binary.NativeEndian.Uint32(body)); errno != 0 {
				return true, unix.Errno(errno)
			}
			return true, nil
		case take != nil:
			take(body[4:])
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return false, nil
}

// drain throws away the answers to the rest of a batch that failed.
func (n *nft) drain() {
	buf := make([]byte, nftAnswer)
	for {
		if _, _, err := unix.Recvfrom(n.fd, buf, unix.MSG_DONTWAIT); err != nil {
			return
		}
	}
}

// attr is a netlink attribute: its header, its value, and zeros up to a multiple of four.
func attr(kind uint16, value ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	return append(b, make([]byte, -len(b)&3)...)
}

func text(kind uint16, s string) []byte { return attr(kind, append([]byte(s), 0)...) }

func word(kind uint16, v uint32) []byte {
	return attr(kind, binary.BigEndian.AppendUint32(nil, v)...)
}

func nest(kind uint16, parts ...[]byte) []byte {
	return attr(kind|unix.NLA_F_NESTED, slices.Concat(parts...)...)
}

// attrs calls f for each attribute.
func attrs(b []byte, f func(kind uint16, value []byte)) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return
		}
		f(binary.NativeEndian.Uint16(b[2:])&^unix.NLA_F_NESTED, b[4:size])
		b = b[min(len(b), (size+3)&^3):]
	}
}

// expr is one step of a rule.
func expr(name string, parts ...[]byte) []byte {
	return nest(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, name), nest(unix.NFTA_EXPR_DATA, parts...))
}

// verdict is what becomes of a packet: a code and, for a jump, its chain.
func verdict(code int32, chain string) []byte {
	parts := [][]byte{word(unix.NFTA_VERDICT_CODE, uint32(code))}
	if chain != "" {
		parts = append(parts, text(unix.NFTA_VERDICT_CHAIN, chain))
	}
	return nest(unix.NFTA_DATA_VERDICT, parts...)
}

// decide ends a rule.
func decide(code int32) []byte {
	return expr("immediate", word(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_VERDICT), nest(unix.NFTA_IMMEDIATE_DATA, verdict(code, "")))
}
