package diameter

// Result codes.
const (
	Success              ResultCode = 2001
	InvalidHdrBits       ResultCode = 3008
	InvalidAVPBits       ResultCode = 3009
	AVPUnsupported       ResultCode = 5001
	MissingAVP           ResultCode = 5005
	UnsupportedVersion   ResultCode = 5011
	UnableToComply       ResultCode = 5012
	InvalidAVPLength     ResultCode = 5014
	InvalidMessageLength ResultCode = 5015
)

// AVPs.
var (
	ResultCodeAVP = Key{268, 0}
	RouteRecord   = Key{282, 0}
)

func flagsOf(k Key) AVPFlags { return Mandatory }
