#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: registry.sh DIR PORT
#
# Debian's docker-registry on loopback with its data in DIR; prints its pid
# once it answers.  The caller ends it by that pid.
set -euo pipefail
dir=$1 port=$2
mkdir -p "$dir/data"
cat >"$dir/config.yml" <<YAML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: $dir/data }
  delete: { enabled: true }
http: { addr: "127.0.0.1:$port" }
YAML
OTEL_TRACES_EXPORTER=none docker-registry serve "$dir/config.yml" \
	>"$dir/log" 2>&1 </dev/null &
pid=$!
# a busy machine is given a minute
for _ in $(seq 600); do
	if curl -fsS -o /dev/null "http://127.0.0.1:$port/v2/" 2>/dev/null; then
		echo "$pid"
		exit 0
	fi
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.1
done
echo "docker-registry did not start:" >&2
cat "$dir/log" >&2
exit 1
