package node

import "roam6/conf"

// Schema is the published JSON schema of a node's configuration, docs/schema/node.json.
func Schema() []byte { return conf.Schema("roam6 node", Config{}) }
