// Package describe turns a packet into a tree of named fields with units, in the words of the documents, each with its
// place in the packet: what `roam6 decode` prints and the dashboard shows.
//
// It reads the octets by tables of layouts of its own rather than through the codecs, for two reasons: a packet that a
// codec refuses must still be shown as far as it goes, and every field needs its offset. The codecs judge: the
// error of a codec is put on the field it names. So a packet without a Fault is one that the nodes of this project accept.
//
// Nothing here panics, whatever the octets; the tree is bounded by MaxDepth and MaxOptions.
package describe
