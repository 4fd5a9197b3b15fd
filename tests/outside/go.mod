// An outsider: verifies what Vital Sync exports with Go's own transparency log, and nothing of ours.
module vitalsync.local/outside

go 1.25.0

require golang.org/x/mod v0.40.0
