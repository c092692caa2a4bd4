#!/usr/bin/env bash
# Tests the pages in headless Chromium against a built hub: HUB_BIN is the
# binary, ARTIFACTS where screenshots go, CHROMIUM the browser if not the usual.
set -euo pipefail
cd "$(dirname "$0")"

: "${HUB_BIN:?set HUB_BIN to the built hub}"
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
  touch node_modules/.package-lock.json
fi
npm run --silent types
for story in run.mjs wires.mjs moves.mjs; do
  node "$story"
done
