#!/bin/sh
# Regenerates what is made from hub.proto: hub.pb.go, hub.connect.go and
# openapi.yaml. With --check it changes nothing and fails when they are not
# what hub.proto and openapi/extra.yaml make today.
#
# Needs protoc (Debian: protobuf-compiler) and Go. The plugins are the
# versions that go.mod and tools.mod pin; the google/api protos come with one
# of them, so none are kept here.
set -eu
cd "$(dirname "$0")"

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

mkdir "$out/bin"
root=$(cd .. && pwd)
GOFLAGS='' go build -o "$out/bin/" \
	google.golang.org/protobuf/cmd/protoc-gen-go \
	connectrpc.com/connect/cmd/protoc-gen-connect-go
GOFLAGS='' go build -modfile="$root/tools.mod" -o "$out/bin/" github.com/google/gnostic/cmd/protoc-gen-openapi
gnostic=$(go list -m -modfile="$root/tools.mod" -f '{{.Dir}}' github.com/google/gnostic)

known=google.golang.org/protobuf/types/known
protoc -I. \
	-I"$gnostic/cmd/protoc-gen-openapi/examples" \
	-I"$gnostic/third_party" \
	--plugin="$out/bin/protoc-gen-go" \
	--plugin="$out/bin/protoc-gen-connect-go" \
	--plugin="$out/bin/protoc-gen-openapi" \
	--go_out="$out" \
	--go_opt="paths=source_relative,Mgoogle/protobuf/struct.proto=$known/structpb" \
	--connect-go_out="$out" \
	--connect-go_opt=paths=source_relative,package_suffix=,simple \
	--openapi_out="$out" \
	--openapi_opt="default_response=false,title=Everything hub,version=1" \
	hub.proto

# What a newer or older protoc writes differs in this line only.
sed -i '/^\/\/ \tprotoc  *v/d' "$out/hub.pb.go"

go run ./openapi "$out/openapi.yaml" openapi/extra.yaml >"$out/merged.yaml"
mv "$out/merged.yaml" "$out/openapi.yaml"

for file in hub.pb.go hub.connect.go openapi.yaml; do
	if [ "${1-}" = --check ]; then
		cmp -s "$out/$file" "$file" || {
			echo "proto/$file is out of date: run proto/generate.sh" >&2
			exit 1
		}
	else
		cp "$out/$file" "$file"
	fi
done
