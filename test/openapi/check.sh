#!/usr/bin/env bash
# Requests generated from docs/openapi.json, valid and not, against `up`: no 5xx, and no answer that the document
# does not have. `check.sh [examples per operation]`. The stream of events is left out: it never ends.
set -euo pipefail
cd "$(dirname "$0")/../.."
examples=${1:-50}
venv=${OPENAPI_VENV:-${TMPDIR:-/tmp}/chimera-openapi-venv}
work=$(mktemp -d)
up=
stop() {
  # The second one does not wait for requests that run.
  [ -z "$up" ] || { kill -INT "$up" && kill -INT "$up" && wait "$up"; } 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

[ -x "$venv/bin/st" ] || {
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --require-hashes -r test/openapi/requirements.lock
}

node --import tsx src/cli/main.ts up --port 0 --speedup 50 --store off --log-level error >"$work/up.log" &
up=$!
until grep -q '^Ctrl-C' "$work/up.log"; do
  kill -0 "$up"
  sleep 0.2
done
base=$(sed -n 's|^gateway at \(.*\)/v1$|\1|p' "$work/up.log")

# What the document's examples name.
curl -fsS "$base/v1/chat/completions" -H 'x-request-id: request-1' -H 'x-chimera-workflow-id: workflow-1' \
  -d '{"model":"chimera","max_tokens":1,"messages":[{"role":"user","content":"Hello"}]}' >"$work/first.json"

export PYTHONPATH=$PWD/test/openapi PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=hooks
document=$PWD/docs/openapi.json config=$PWD/test/openapi/schemathesis.toml
cd "$work"
"$venv/bin/st" --config-file "$config" run "$document" --url "$base" --seed 1 --max-examples "$examples" --exclude-path /v1/chimera/events \
  --phases examples,coverage,fuzzing --generation-database none --request-timeout 30 --continue-on-failure
