#!/usr/bin/env bash
# Runs the TypeScript tests: each is bundled and run by Node's own test runner.
set -euo pipefail
cd "$(dirname "$0")"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mapfile -t tests < <(find src -name '*.test.ts' | sort)
go tool esbuild --bundle --platform=node --format=esm --target=node20 --loader:.css=text --log-level=warning \
  --out-extension:.js=.mjs --outdir="$out" "${tests[@]}"
node --test --test-timeout=60000 "$@" $(find "$out" -name '*.mjs' | sort)
