package profile

// Kinds of ASCII characters in the canonical form of an NAI.
const (
	inUser  = 1 << iota // may stand before @
	inRealm             // may stand behind it
)

// kinds are the kinds of each octet; none beyond ASCII.
var kinds = func() (k [256]uint8) {
	for c := range rune(0x80) {
		if userChar(c) {
			k[c] |= inUser
		}
		if realmChar(c) && (c < 'A' || c > 'Z') {
			k[c] |= inRealm
		}
	}
	return k
}()

// isCanonical says whether an NAI is one in its canonical form already, and all ASCII. Most are, and each is brought into that form several
// times while its user registers, in which nothing has to be made anew here. False says nothing.
func isCanonical(nai string) bool {
	if len(nai) > MaxNAI {
		return false
	}
	kind, dots := uint8(inUser), 0
	before := byte('.') // as at the start of a label
	for i := range len(nai) {
		c := nai[i]
		switch {
		case c == '@' && kind == inUser && before != '.':
			kind, dots, c = inRealm, 0, '.'
		case c == '.':
			if before == '.' || kind == inRealm && before == '-' {
				return false
			}
			dots++
		case kinds[c]&kind == 0, kind == inRealm && c == '-' && before == '.':
			return false
		}
		before = c
	}
	return kind == inRealm && dots > 0 && before != '.' && before != '-'
}
