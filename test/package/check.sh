#!/usr/bin/env bash
# The package as its users get it: packed, its contents and size held to what they should be, installed into an
# empty project, its library example type-checked and run, and its command started.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD
work=$(mktemp -d)
up=
trap '[ -z "$up" ] || { kill "$up" 2>/dev/null; wait "$up" 2>/dev/null; }; rm -rf "$work"' EXIT

[ -f dist/library.js ] || npm run -s build
tarball=$work/$(npm pack --silent --pack-destination "$work" | tail -1)
size=$(stat -c %s "$tarball")
echo "packed: $((size / 1024)) KiB"
[ "$size" -lt $((5 * 1024 * 1024)) ] || { echo "more than 5 MiB" >&2; exit 1; }
strangers=$(tar -tzf "$tarball" | grep -vE '^package/(dist/|samples/|web/dist/|(package\.json|README\.md|LICENSE|CHANGELOG\.md)$)' || true)
[ -z "$strangers" ] || { echo "should not be in the package: $strangers" >&2; exit 1; }

mkdir "$work/project"
cd "$work/project"
echo '{ "name": "project", "private": true, "type": "module" }' >package.json
npm install --silent --no-audit --no-fund "$tarball"
cp "$here/test/package/example.ts" .
"$here/node_modules/.bin/tsc" --ignoreConfig --strict --exactOptionalPropertyTypes --module nodenext --target es2023 --types node \
  --typeRoots "$here/node_modules/@types" --outDir out example.ts
node out/example.js

# What `npx chimera` runs, without npx between it and the signal that ends it.
node_modules/.bin/chimera up --port 0 >up.log 2>&1 &
up=$!
for _ in $(seq 150); do
  base=$(sed -n 's/^gateway at //p' up.log)
  if [ -n "$base" ] && curl -fsS "$base/models" >models.json 2>/dev/null; then break; fi
  sleep 0.2
done
grep -q '"chimera"' models.json || { cat up.log >&2; exit 1; }
echo "chimera up: $base serves $(grep -o '"id":"[^"]*"' models.json | wc -l) models"
