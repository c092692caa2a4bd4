#!/usr/bin/env bash
# Bundles the pages' scripts and sheets into web/dist, which web.go embeds, or
# into the folder named. TV pages are lowered to the oldest engines found in
# sets on walls, for which a newer syntax is a blank screen.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-dist}

esbuild() {
  go tool esbuild --bundle --minify --format=iife --legal-comments=none --log-level=warning --charset=utf8 \
    --outdir="$out" --entry-names='[name]' "$@"
}

find "$out" -mindepth 1 ! -name .gitkeep -delete
esbuild --target=chrome53 src/display/display.ts src/board/board.ts src/css/display.css src/css/board.css
esbuild --target=chrome94,safari16.4,firefox115 \
  src/order/order.ts src/barista/barista.ts src/css/home.css src/css/order.css src/css/barista.css
