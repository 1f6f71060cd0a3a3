package diameter

// Next cuts one whole message from the front of a stream. raw is nil while more octets are needed; rest is what follows it. limit is in
// octets, 0 for MaxMessage. After an error, which is an *Error, the stream cannot be read any further: there is no way to find the next
// message in it. raw has no capacity beyond itself, so that appending to it leaves rest alone.
func Next(buf []byte, limit int) (raw, rest []byte, err error) {
	if limit <= 0 {
		limit = MaxMessage
	}
	if len(buf) > 0 && buf[0] != Version {
		return nil, buf, fail(UnsupportedVersion, "version %d; only %d is known", buf[0], Version)
	}
	if len(buf) < offFlags {
		return nil, buf, nil
	}
	n := int(uint24(buf[offLength:]))
	if n < HeaderLen || n > limit || n%4 != 0 {
		return nil, buf, fail(InvalidMessageLength, "Message Length says %d octets; a multiple of 4 from %d to %d is allowed", n, HeaderLen, limit)
	}
	if len(buf) < n {
		return nil, buf, nil
	}
	return buf[:n:n], buf[n:], nil
}
