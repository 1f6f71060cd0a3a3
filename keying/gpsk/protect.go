package gpsk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// ErrProtected: a PD_Payload_Block is not what the suite makes. The message it came in is to be discarded, RFC 5433 §10.
var ErrProtected = errors.New("gpsk: protected data does not decrypt")

// IVLen is the octets of the initialization vector that Seal takes for a suite; 0 if it encrypts nothing.
func IVLen(s Suite) int {
	if s == AES {
		return aes.BlockSize
	}
	return 0
}

// Seal makes a PD_Payload_Block of payloads (eap.AppendPayloads), RFC 5433 §9.4. iv has IVLen octets, drawn anew for each message. With
// suite 2 nothing is encrypted.
func (k Keys) Seal(iv, payloads []byte) []byte {
	d := k.k()
	if len(iv) != IVLen(d.suite) {
		panic("gpsk: an initialization vector of the wrong size")
	}
	pad := 0
	if len(iv) > 0 {
		pad = -(len(payloads) + 1) & (aes.BlockSize - 1)
	}
	out := append([]byte{byte(len(iv))}, iv...)
	at := len(out)
	out = append(out, payloads...)
	out = append(out, make([]byte, pad)...)
	out = append(out, byte(pad))
	if len(iv) > 0 {
		cipher.NewCBCEncrypter(d.cipher(), iv).CryptBlocks(out[at:], out[at:])
	}
	return out
}

// Open gives the payloads of a PD_Payload_Block, or ErrProtected. The MAC of the message must have been verified before: this alone says
// nothing about who made them.
func (k Keys) Open(block []byte) ([]byte, error) {
	d := k.k()
	iv := IVLen(d.suite)
	if len(block) < 1+iv+1 || int(block[0]) != iv {
		return nil, ErrProtected
	}
	plain := bytes.Clone(block[1+iv:])
	if iv > 0 {
		if len(plain)%aes.BlockSize != 0 {
			return nil, ErrProtected
		}
		cipher.NewCBCDecrypter(d.cipher(), block[1:1+iv]).CryptBlocks(plain, plain)
	}
	pad := int(plain[len(plain)-1])
	if pad > len(plain)-1 || iv == 0 && pad != 0 {
		return nil, ErrProtected
	}
	return plain[:len(plain)-1-pad], nil
}

func (d derived) cipher() cipher.Block {
	c, err := aes.NewCipher(d.pk())
	if err != nil {
		panic(err) // only wrong sizes are an error, and ours are constants
	}
	return c
}
