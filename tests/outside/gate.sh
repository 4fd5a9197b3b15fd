#!/usr/bin/env bash
# The outsider against a real installation: what it must accept, and what it must refuse. Run by `.ci/run outsider`.
#   gate.sh WORK: DATABASE_URL is migrated, VITAL_DIR its directory, SUPERUSER the same database for a superuser
set -uo pipefail
work=$1 passed=0 failed=0 witness=
trap '[ -z "$witness" ] || kill "$witness"' EXIT
outside=$work/outside
(cd tests/outside && go vet ./... && go build -buildvcs=false -o "$outside" .) || { echo 'skipped: the outsider cannot be built'; exit 77; }
key=$VITAL_DIR/witness/key.vkey

vitalsync() { node db/bin.mjs "$@"; }
root() { "${PSQL:-psql}" -XqAt "$SUPERUSER" -v ON_ERROR_STOP=1 -c "$1"; }
# expect ok|refused WHAT COMMAND…
expect() {
  local answer
  if "${@:3}" >"$work/said" 2>&1; then answer=ok; else answer=refused; fi
  if [ "$answer" = "$1" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%-8s %s: %s\n' "$answer" "$2" "$(tail -n 1 "$work/said")"
}
edited() { rm -rf "$work/edited" && cp -r "$work/$1" "$work/edited"; }

events='set role vs_owner; select count(audit.append(array_fill(null::text, array[8]), $$log.read$$, $$AuditEvent$$, null, null, $$success$$)) from generate_series(1, 300)'
root "$events" >/dev/null
vitalsync audit export "$work/one" && root "$events" >/dev/null && vitalsync audit export "$work/two" || exit
event=$(root 'select id from audit.events join audit.log using (organisation_id, lane, seq) where leaf_index = 77')
vitalsync audit proof "$event" "$work" || exit

expect ok 'an export' "$outside" export "$work/two" "$key"
expect ok 'and that an earlier one is its beginning' "$outside" export "$work/two" "$key" "$work/one"
expect ok 'the proof of one event' "$outside" proof "$work/$event.tlog-proof" "$work/$event.leaf" "$key"
expect refused 'an export older than the one before' "$outside" export "$work/one" "$key" "$work/two"
edited two && sed -i '5s/"success"/"failure"/' "$work/edited/leaves.jsonl"
expect refused 'an event changed' "$outside" export "$work/edited" "$key"
edited two && sed -i '9{h;d};10{G}' "$work/edited/leaves.jsonl"
expect refused 'two events in another order' "$outside" export "$work/edited" "$key"
edited two && sed -i '$d' "$work/edited/leaves.jsonl"
expect refused 'the last event cut off' "$outside" export "$work/edited" "$key"
edited two && sed -i '2s/.*/3/' "$work/edited/checkpoint"
expect refused 'a checkpoint that says less' "$outside" export "$work/edited" "$key"
sed 's/"success"/"failure"/' "$work/$event.leaf" >"$work/other.leaf"
expect refused 'the proof for another event' "$outside" proof "$work/$event.tlog-proof" "$work/other.leaf" "$key"
sed '2s/.*/index 78/' "$work/$event.tlog-proof" >"$work/other.tlog-proof"
expect refused 'the proof at another place' "$outside" proof "$work/other.tlog-proof" "$work/$event.leaf" "$key"

# Another key signs: while both do, whoever knows the old one alone goes on; then the new one is needed.
cp "$key" "$work/old.vkey"
vitalsync keys signing --add >/dev/null && root "$events" >/dev/null && vitalsync audit export "$work/both" || exit
expect ok 'an export that two keys have signed, by the old one' "$outside" export "$work/both" "$work/old.vkey" "$work/two"
vitalsync keys signing --retire >/dev/null && root "$events" >/dev/null && vitalsync audit export "$work/next" || exit
expect refused 'the next one, by the retired key alone' "$outside" export "$work/next" "$work/old.vkey"
expect ok 'by the new one, and that what the old one signed is its beginning' "$outside" export "$work/next" "$key" "$work/two"

# A witness in Go cosigns what goes on, and nothing else.
mkdir -p "$work/witness" && cp "$key" "$work/log.vkey"
"$outside" witness "$work/witness" "$work/log.vkey" witness.example >"$work/witness/said" &
witness=$!
until [ -s "$work/witness/said" ]; do sleep 0.1; kill -0 $witness || exit 1; done
read -r VITAL_WITNESS_URL VITAL_WITNESS_KEY <"$work/witness/said" && export VITAL_WITNESS_URL VITAL_WITNESS_KEY
expect ok 'a checkpoint is cosigned' vitalsync audit seal
root "$events" >/dev/null
expect ok 'and the next one, with a proof' vitalsync audit seal
expect ok 'by the witness' grep -q '^— witness.example ' "$VITAL_DIR/witness/checkpoint"
root "set session_replication_role = replica; update audit.log set hash = sha256('x') where leaf_index = 3; delete from audit.nodes; select audit.complete_nodes(1, 0, audit.log_size(1)); delete from audit.checkpoints" >/dev/null
mv "$VITAL_DIR/witness" "$work/lost"
expect refused 'a log written anew, once nothing but the witness remembers' vitalsync audit seal --adopt
echo "counted: $passed passed, $failed failed"
[ $failed = 0 ]
