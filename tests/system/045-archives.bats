#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# save and load: layers side by side, archives from and for podman.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" pull -q "$NGINX" >/dev/null
}

# As the registry has them, whatever the test before made of them
setup() {
	T=$BATS_TEST_TMPDIR
	"$BRYO" rmi -fa >/dev/null
	"$BRYO" pull -q "$BUSYBOX" "$NGINX" >/dev/null
}

id_of() {
	"$BRYO" image inspect --format '{{.Id}}' "$1"
}

# The largest layer blob of an image
big_blob() {
	"$BRYO" save -q --format oci-archive "$1" | tar -tv |
		sort -rn -k3 | sed -n '1s,.*blobs/sha256/,,p'
}

# Members, and what is in them, as Python's tarfile sees it
members() {
	python3 - "$1" <<-'EOF'
	import hashlib, sys, tarfile
	for m in tarfile.open(sys.argv[1]):
	    data = tarfile.open(sys.argv[1]).extractfile(m).read() if m.isfile() else b""
	    print(m.name, m.size, hashlib.sha256(data).hexdigest())
	EOF
}

@test "I15: file, pipe, appended and rewritten file: the same archive" {
	run_bryo save -q -o "$T/file" "$NGINX" "$BUSYBOX"
	"$BRYO" save -q "$NGINX" "$BUSYBOX" | cat >"$T/pipe"
	: >"$T/append"
	"$BRYO" save -q "$NGINX" "$BUSYBOX" >>"$T/append"
	head -c 100000000 /dev/zero >"$T/longer"
	run_bryo save -q -o "$T/longer" "$NGINX" "$BUSYBOX"
	local f
	for f in pipe append longer; do
		cmp "$T/file" "$T/$f"
	done
	# Every layer has the digest that it is named after
	members "$T/file" | while read -r name _ sum; do
		case $name in
		*.tar) [ "${name%.tar}" = "$sum" ] || exit 1 ;;
		esac
	done
	# Behind what is in the file already, as any redirection writes
	{ printf front; "$BRYO" save -q "$NGINX" "$BUSYBOX"; } >"$T/behind"
	tail -c +6 "$T/behind" | cmp "$T/file" -
	# One processor, one job at a time, and the same bytes
	local cpu
	cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
	taskset -c "$cpu" "$BRYO" save -q -o "$T/one" "$NGINX" "$BUSYBOX"
	cmp "$T/file" "$T/one"
}

@test "save --uncompressed: file and pipe are the same, layers by diff id" {
	run_bryo save -q --format oci-archive --uncompressed -o "$T/file" "$NGINX"
	"$BRYO" save -q --format oci-archive --uncompressed "$NGINX" | cat >"$T/pipe"
	cmp "$T/file" "$T/pipe"
	members "$T/file" | while read -r name size sum; do
		case $name in
		blobs/sha256/?*)
			[ "$size" = 0 ] || [ "${name##*/}" = "$sum" ] || exit 1 ;;
		esac
	done
}

# damage HEX: another byte in the middle
damage() {
	local blob=$XDG_DATA_HOME/bryo/blobs/sha256/$1
	local at=$(($(stat -c %s "$blob") / 2))
	python3 - "$blob" "$at" <<-'EOF'
	import sys
	with open(sys.argv[1], "r+b") as f:
	    f.seek(int(sys.argv[2]))
	    byte = f.read(1)[0]
	    f.seek(int(sys.argv[2]))
	    f.write(bytes([byte ^ 0x10]))
	EOF
}

@test "save of a damaged blob fails, into a file and into a pipe" {
	local hex
	hex=$(big_blob "$NGINX")
	damage "$hex"
	run_bryo -125 save -q -o "$T/x.tar" "$NGINX"
	assert_match "^Error: layer sha256:[0-9a-f]{12}: (gzip|digest)"
	[ ! -e "$T/x.tar" ]
	status=0
	"$BRYO" save -q "$NGINX" 2>"$T/err" >"$T/x" || status=$?
	[ "$status" = 125 ]
	grep "layer sha256" "$T/err"
	damage "$hex"
	run_bryo save -q -o "$T/x.tar" "$NGINX"
}

@test "save of a blob with another content fails by its digest" {
	local hex dir=$XDG_DATA_HOME/bryo/blobs/sha256
	hex=$(big_blob "$NGINX")
	mv "$dir/$hex" "$T/kept"
	# Valid gzip of the right stream, but not the bytes that were pulled
	gzip -dc "$T/kept" | gzip -1n >"$dir/$hex"
	refute cmp -s "$T/kept" "$dir/$hex"
	run_bryo -125 save -q -o "$T/x.tar" "$NGINX"
	assert_match "digest is sha256:.*, not sha256:$hex"
	mv "$T/kept" "$dir/$hex"
}

@test "save without its blob packs the layer again, or says what to do" {
	local hex dir=$XDG_DATA_HOME/bryo/blobs/sha256
	run_bryo run --name "$(cname)" --network none "$BUSYBOX" \
		sh -c 'mkdir /d; echo x >/d/f; ln /d/f /d/g'
	run_bryo commit -q --squash "$(cname)" localhost/made
	run_bryo save -q -o "$T/a.tar" localhost/made
	hex=$("$BRYO" image inspect --format '{{json .RootFS.Layers}}' localhost/made |
		jq -r '.[-1]' | cut -d: -f2)
	mv "$dir/$hex" "$T/kept"
	run_bryo save -q -o "$T/b.tar" localhost/made
	cmp "$T/a.tar" "$T/b.tar"
	"$BRYO" save -q localhost/made | cmp "$T/a.tar" -
	mv "$T/kept" "$dir/$hex"
	run_bryo rm "$(cname)"
	run_bryo rmi localhost/made
	hex=$(big_blob "$NGINX")
	mv "$dir/$hex" "$T/kept"
	run_bryo -125 save -q -o "$T/c.tar" "$NGINX"
	assert_match "pull the image again"
	[ ! -e "$T/c.tar" ]
	mv "$T/kept" "$dir/$hex"
}

@test "a pipe that nobody reads ends save quietly, and nothing is left" {
	status=0
	"$BRYO" save -q "$NGINX" 2>"$T/err" | head -c 1000 >/dev/null ||
		status=$?
	[ ! -s "$T/err" ]
	[ -z "$(find "$XDG_DATA_HOME/bryo/staging" -mindepth 1)" ]
}

# ---- podman -----------------------------------------------------------------

# Real podman, with a store of its own
peer() {
	podman --root "$T/peer" --runroot "$T/peer-run" \
		--storage-driver overlay --log-level error "$@"
}

peer_setup() {
	mkdir -p "$HOME/.config/containers"
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' \
		>"$HOME/.config/containers/policy.json"
	printf '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n' \
		>"$HOME/.config/containers/containers.conf"
}

# Its pause process ends, its files go
peer_teardown() {
	peer system migrate
	"$BATS_TEST_DIRNAME/../setup/in-userns.py" rm -rf "$T/peer" "$T/peer-run"
	rm -rf "$HOME/.config/containers"
}

peer_ids() {
	peer images --no-trunc --format '{{.ID}}' | sort -u
}

ids() {
	"$BRYO" images --no-trunc --format '{{.ID}}' | sort -u
}

names() {
	"$@" images --format '{{.Repository}}:{{.Tag}}' | sort
}

@test "I14: what we save podman loads, and back, in each format" {
	peer_setup
	local format before before_names
	before=$(ids) before_names=$(names "$BRYO")
	for format in docker-archive oci-archive; do
		run_bryo save -q --format $format -o "$T/ours.tar" "$NGINX"
		peer load -q -i "$T/ours.tar"
		"$BRYO" save -q --format $format "$BUSYBOX" | peer load -q
		assert "$before" "$(peer_ids)"
		assert "$before_names" "$(names peer)"
		peer save -q --format $format -o "$T/$format.nginx" "$NGINX"
		peer save -q --format $format "$BUSYBOX" >"$T/$format.busybox"
		peer rmi -af >/dev/null
		run_bryo rmi -fa
		run_bryo load -q -i "$T/$format.nginx"
		assert "Loaded image: $NGINX:latest"
		"$BRYO" load -q <"$T/$format.busybox"
		assert "$before" "$(ids)"
		assert "$before_names" "$(names "$BRYO")"
		run_bryo run --rm --network none "$BUSYBOX" echo it-runs
		assert it-runs "$out"
		rm -f "$T/ours.tar"
	done
	peer_teardown
}

@test "I15: archives of several images go both ways" {
	peer_setup
	local before before_names
	run_bryo tag "$BUSYBOX" localhost/second:2
	before=$(ids) before_names=$(names "$BRYO")
	run_bryo save -q -m -o "$T/m.tar" "$BUSYBOX" "$NGINX" localhost/second:2
	peer load -q -i "$T/m.tar"
	assert "$before" "$(peer_ids)"
	assert "$before_names" "$(names peer)"
	peer save -q -m -o "$T/theirs.tar" "$BUSYBOX" "$NGINX" localhost/second:2
	run_bryo rmi -fa
	run_bryo load -q -i "$T/theirs.tar"
	assert "$before" "$(ids)"
	assert "$before_names" "$(names "$BRYO")"
	run_bryo rmi localhost/second:2
	peer_teardown
}
