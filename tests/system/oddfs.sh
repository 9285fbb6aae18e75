#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: oddfs.sh LAYOUT DRIVER...
#
# The life of an image and its containers in the store of XDG_DATA_HOME, on
# whatever file system that is, with each of the drivers ("" = the engine's
# own choice).  Prints what is seen inside: for each driver oddfs.seen.
set -euo pipefail

layout=$1
shift
run() {
	"$BRYO" ${driver:+--storage-driver "$driver"} "$@"
}
for driver; do
	run pull -q "oci:$layout" >"$XDG_RUNTIME_DIR/id"
	id=$(cat "$XDG_RUNTIME_DIR/id")
	# what the layers hide, and what a container hides and makes again
	run run --name c --network none "$id" sh -c '
		ls /opaque /gone 2>/dev/null; find / -xdev -name ".wh.*"
		rm /kept/a; ls /kept; rm -r /kept; ls -d /kept 2>/dev/null
		mkdir /kept; ls /kept; echo new >/kept/new
		chown 33 /kept/new; mv /old /moved; ln /moved /twin; cat /moved'
	run diff c
	run commit -q c localhost/made >/dev/null
	run rm c >/dev/null
	run run --rm --network none localhost/made sh -c '
		ls /opaque /kept; stat -c %u /kept/new; cat /twin; ls -d /old
		find / -xdev -name ".wh.*"' 2>/dev/null || :
	run save --format oci-archive localhost/made -q -o "$XDG_RUNTIME_DIR/made.tar"
	run rmi -fa >/dev/null
	run load -q -i "$XDG_RUNTIME_DIR/made.tar" >/dev/null
	run run -d --name d --network none localhost/made sleep 100 >/dev/null
	run exec d ls /kept
	run rm -f -t 0 d >/dev/null
	run system check
	run rmi -fa >/dev/null
	echo whole
done
