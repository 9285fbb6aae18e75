#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# containers.conf and storage.conf: which files count, what each key does,
# that a flag wins.

load helpers

setup() {
	CONF=$ENGINE_DIR/containers.conf
	export CONTAINERS_CONF=$CONF
	unset CONTAINERS_CONF_OVERRIDE
	: >"$CONF"
}

# conf LINE...: the whole file
conf() {
	printf '%s\n' "$@" >"$CONF"
}

@test "G13: CONTAINERS_CONF replaces all files, the override is merged last" {
	mkdir -p "$HOME/.config/containers/containers.conf.d"
	printf '[containers]\nenv = ["A=user", "B=user"]\ntz = "UTC"\n' \
		>"$HOME/.config/containers/containers.conf"
	conf '[containers]' 'env = ["A=only"]'

	run_bryo run --rm "$BUSYBOX" sh -c 'echo $A $B'
	assert "only"
	unset CONTAINERS_CONF
	run_bryo run --rm "$BUSYBOX" sh -c 'echo $A $B'
	assert "user user"

	# drop-ins in the order of their names; a list replaces a list
	printf '[containers]\nenv = ["A=20"]\n' \
		>"$HOME/.config/containers/containers.conf.d/20-b.conf"
	printf '[containers]\nenv = ["A=10", "C=10"]\n' \
		>"$HOME/.config/containers/containers.conf.d/10-a.conf"
	printf 'not toml' \
		>"$HOME/.config/containers/containers.conf.d/30-c.conf.bak"
	run_bryo run --rm "$BUSYBOX" sh -c 'echo $A $B $C'
	assert "20"

	# ... unless it says that it adds
	printf '[containers]\nenv = ["D=o", {append=true}]\n' \
		>"$ENGINE_DIR/over.conf"
	CONTAINERS_CONF_OVERRIDE=$ENGINE_DIR/over.conf \
		run_bryo run --rm "$BUSYBOX" sh -c 'echo $A $D'
	assert "20 o"
	XDG_CONFIG_HOME=$ENGINE_DIR/none run_bryo run --rm "$BUSYBOX" \
		sh -c 'echo $A $D.'
	assert "."
	rm -r "$HOME/.config/containers"
}

# unread DIR CMD...: the names in DIR cannot be read
unread() {
	local dir=$1 status=0 errs
	shift
	mkdir -p "$dir"
	errs=$(strace -qq -P "$dir" -o /dev/null \
		-e inject=getdents64:error=EIO "$BRYO" "$@" 2>&1) || status=$?
	echo "$status $errs"
	[ "$status" = 125 ]
	[[ $errs == "Error: "*"$dir: read the directory: input/output error" ]]
}

@test "a directory that cannot be read to its end is an error" {
	unset CONTAINERS_CONF
	unread "$HOME/.config/containers/containers.conf.d" ps
	rm -r "$HOME/.config/containers"
	export CONTAINERS_CONF=$CONF
	conf '[engine]' "hooks_dir = [\"$ENGINE_DIR/hooks\"]"
	unread "$ENGINE_DIR/hooks" run --rm "$BUSYBOX" true
}

@test "G13: a file that is missing or broken is one error with its name" {
	CONTAINERS_CONF=/nonexistent run_bryo -125 ps
	assert "Error: read configuration file /nonexistent: no such file or directory"
	CONTAINERS_CONF_OVERRIDE=/nonexistent run_bryo -125 ps
	assert_match "/nonexistent: no such file"
	conf '[containers]' 'env = [' 'x'
	run_bryo -125 ps
	assert_match "^Error: $CONF: line 3: "
	conf '[containers]' 'log_driver = 5'
	run_bryo -125 ps
	assert "Error: $CONF: containers.log_driver must be a string"
	conf '[containers]' 'env = ["A=1", 2]'
	run_bryo -125 ps
	assert "Error: $CONF: containers.env must be a list of strings"
	# whoever only asks for help gets it
	run_bryo run --help
	run_bryo version
}

@test "G13: unknown keys are a debug line, nothing else" {
	conf 'extra = 1' '[containers]' 'no_such_key = 1' '[engine]' \
		'runtime = "crun"' '[machine]' 'cpus = 2'
	run_bryo ps -q
	assert ""
	run_bryo --log-level=debug ps -q
	assert_match "level=debug msg=\"containers.conf: unknown key containers.no_such_key\""
	assert_match "unknown table machine"
	assert_match "engine.runtime has no effect here"
	CONTAINERS_CONF=/dev/null run_bryo ps -q
}

@test "G13: read_only, default_ulimits, oom_score_adj, umask, tz" {
	conf '[containers]' 'read_only = true' 'umask = "0077"' 'tz = "UTC"' \
		'oom_score_adj = 333' \
		'default_ulimits = ["nofile=100:200", "core=5120:5120"]'
	run_bryo run --rm "$BUSYBOX" sh -c \
		'umask; ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; touch /x || echo ro'
	assert $'0077\n100\n200\n10\n333\nro' "$out"
	run_bryo run --rm --read-only=false --umask 0022 --ulimit nofile=300:300 \
		--oom-score-adj 444 "$BUSYBOX" sh -c \
		'umask; ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; touch /x && echo rw'
	assert $'0022\n300\n300\n10\n444\nrw'
	TZ=Asia/Tokyo run_bryo run --rm "$BUSYBOX" date +%Z
	assert "UTC"
}

@test "G13: env is below the image's and the flags', env_host, http_proxy" {
	conf '[containers]' 'env = ["PATH=/conf", "X=conf", "Y=conf"]' \
		'env_host = true' 'http_proxy = false'
	HOSTVAR=seen http_proxy=http://p run_bryo run --rm --env-host=false \
		-e Y=flag "$BUSYBOX" sh -c 'echo $X $Y $HOSTVAR $http_proxy; echo $PATH'
	assert_match "^conf flag"$'\n'
	assert_no_match "/conf"
	HOSTVAR=seen run_bryo run --rm "$BUSYBOX" sh -c 'echo $HOSTVAR'
	assert "seen"
	http_proxy=http://p run_bryo run --rm --env-host=false --http-proxy \
		"$BUSYBOX" sh -c 'echo $http_proxy'
	assert "http://p"
}

@test "G13: dns_servers, dns_searches, dns_options give way to flags" {
	conf '[containers]' 'dns_servers = ["1.2.3.4", "1.2.3.5"]' \
		'dns_searches = ["conf.test"]' 'dns_options = ["ndots:3"]'
	run_bryo run --rm "$BUSYBOX" cat /etc/resolv.conf
	assert_match "search conf.test"
	assert_match "nameserver 1.2.3.4"$'\n'"nameserver 1.2.3.5"
	assert_match "options ndots:3"
	run_bryo run --rm --dns 9.9.9.9 "$BUSYBOX" cat /etc/resolv.conf
	assert_match "nameserver 9.9.9.9"
	assert_no_match "1.2.3"
	assert_match "conf.test"
}

@test "G13: base_hosts_file, host_containers_internal_ip, no_hosts, --hosts-file" {
	printf '6.7.8.9 from.conf\n' >"$ENGINE_DIR/hosts"
	printf '6.7.8.8 from.flag\n' >"$ENGINE_DIR/hosts2"
	conf '[containers]' "base_hosts_file = \"$ENGINE_DIR/hosts\"" \
		'host_containers_internal_ip = "5.5.5.5"'
	run_bryo run --rm --add-host gw:host-gateway "$BUSYBOX" cat /etc/hosts
	assert_match "6.7.8.9 from.conf"
	assert_match $'5.5.5.5\thost.containers.internal'
	assert_match $'5.5.5.5\tgw'
	run_bryo run --rm --hosts-file "$ENGINE_DIR/hosts2" "$BUSYBOX" \
		cat /etc/hosts
	assert_match "from.flag"
	assert_no_match "from.conf"
	run_bryo run --rm --hosts-file none "$BUSYBOX" cat /etc/hosts
	assert_no_match "from"
	assert_match "localhost"
	run_bryo -125 run --rm --hosts-file /nonexistent "$BUSYBOX" true
	assert "Error: base hosts file /nonexistent: no such file or directory"

	conf '[containers]' 'host_containers_internal_ip = "none"'
	run_bryo run --rm "$BUSYBOX" cat /etc/hosts
	assert_no_match "host.containers.internal"

	conf '[containers]' 'no_hosts = true'
	run_bryo run --rm "$BUSYBOX" sh -c 'grep -c localhost /etc/hosts || true'
	local image=$out
	run_bryo run --rm --no-hosts=false --hosts-file none "$BUSYBOX" \
		grep -c localhost /etc/hosts
	assert 2
	[ "$image" != 2 ]
	run_bryo run --rm --add-host a:1.1.1.1 "$BUSYBOX" cat /etc/hosts
	assert_match $'1.1.1.1\ta'
	run_bryo -125 run --rm --no-hosts --add-host a:1.1.1.1 "$BUSYBOX" true
	assert_match "no-hosts and --add-host cannot be set together"
}

@test "G13: mounts and volumes; a flag for the same place wins" {
	mkdir -p "$ENGINE_DIR/m1" "$ENGINE_DIR/m2" "$ENGINE_DIR/m3"
	echo conf >"$ENGINE_DIR/m1/f"
	echo flag >"$ENGINE_DIR/m2/f"
	echo vol >"$ENGINE_DIR/m3/f"
	conf '[containers]' \
		"mounts = [\"type=bind,src=$ENGINE_DIR/m1,dst=/m,ro\"]" \
		"volumes = [\"$ENGINE_DIR/m3:/v:ro\"]"
	run_bryo run --rm "$BUSYBOX" sh -c \
		'cat /m/f /v/f; touch /m/x || touch /v/x || echo ro'
	assert $'conf\nvol\nro' "$out"
	run_bryo run --rm --mount "type=bind,src=$ENGINE_DIR/m2,dst=/m" \
		"$BUSYBOX" cat /m/f /v/f
	assert $'flag\nvol'
	conf '[containers]' 'mounts = ["type=bogus,dst=/m"]'
	run_bryo -125 run --rm "$BUSYBOX" true
	assert_match "containers.conf: invalid filesystem type"
}

@test "G13, G12: default_mounts_file and --default-mounts-file" {
	mkdir -p "$ENGINE_DIR/d1" "$ENGINE_DIR/d2"
	echo one >"$ENGINE_DIR/d1/f"
	echo two >"$ENGINE_DIR/d2/f"
	printf '# comment\n\n%s:/d\n' "$ENGINE_DIR/d1" >"$ENGINE_DIR/mounts.conf"
	printf '%s\n%s\n' "$ENGINE_DIR/d2" /nonexistent:/y >"$ENGINE_DIR/mounts2.conf"
	conf '[containers]' "default_mounts_file = \"$ENGINE_DIR/mounts.conf\""
	run_bryo run --rm "$BUSYBOX" sh -c 'cat /d/f; touch /d/x || echo ro'
	assert $'one\nro' "$out"
	run_bryo run --rm -v "$ENGINE_DIR/d2:/d" "$BUSYBOX" cat /d/f
	assert two
	run_bryo --default-mounts-file "$ENGINE_DIR/mounts2.conf" run --rm \
		"$BUSYBOX" sh -c "cat $ENGINE_DIR/d2/f; ls /d || true"
	assert_match "^two"
	assert_match "/nonexistent does not exist, it is not mounted"
	assert_match "/d: No such file"
	run_bryo -125 --default-mounts-file /nonexistent run --rm "$BUSYBOX" true
	assert "Error: read mounts file /nonexistent: no such file or directory"
}

@test "G13: userns, and what is above it" {
	conf '[containers]' 'userns = "keep-id"'
	run_bryo run --rm "$BUSYBOX" id -u
	assert "$(id -u)"
	run_bryo run --rm --userns=host "$BUSYBOX" id -u
	assert 0
	PODMAN_USERNS=host run_bryo run --rm "$BUSYBOX" id -u
	assert 0
}

@test "G13: pidns, ipcns, utsns, netns" {
	conf '[containers]' 'utsns = "host"' 'netns = "none"' 'ipcns = "private"'
	run_bryo run --rm "$BUSYBOX" sh -c 'readlink /proc/self/ns/uts; ls /sys/class/net'
	assert "$(readlink /proc/self/ns/uts)"$'\nlo'
	run_bryo run --rm --uts private --network host "$BUSYBOX" \
		readlink /proc/self/ns/net
	assert "$(readlink /proc/self/ns/net)"
	# podman's other ways to a private network are our one
	conf '[containers]' 'netns = "pasta"'
	run_bryo create --name "$(cname)" "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.NetworkMode}}' "$(cname)"
	assert slirp4netns
	conf '[containers]' 'pidns = "host"'
	run_bryo inspect --format '{{.HostConfig.PidMode}}' "$(cname)"
	assert private
	run_bryo rm "$(cname)"
}

@test "G13: default_capabilities, seccomp_profile, default_sysctls" {
	conf '[containers]' 'default_capabilities = ["CHOWN", "CAP_KILL"]' \
		'default_sysctls = ["net.ipv4.ping_group_range=0 0", "kernel.msgmax=4096"]'
	run_bryo run --rm "$BUSYBOX" sh -c \
		'grep CapEff /proc/self/status; cat /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/msgmax'
	assert $'CapEff:\t0000000000000021\n0\t0\n4096'
	run_bryo run --rm --cap-drop KILL --cap-add NET_RAW \
		--sysctl kernel.msgmax=5000 "$BUSYBOX" sh -c \
		'grep CapEff /proc/self/status; cat /proc/sys/kernel/msgmax'
	assert $'CapEff:\t0000000000002001\n5000'
	# of a namespace that is not the container's nothing is set
	run_bryo run --rm --network host --ipc host "$BUSYBOX" true
	conf '[containers]' 'default_capabilities = ["BOGUS"]'
	run_bryo -125 run --rm "$BUSYBOX" true
	assert_match "invalid capability \"BOGUS\""

	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' \
		>"$ENGINE_DIR/seccomp.json"
	conf '[containers]' "seccomp_profile = \"$ENGINE_DIR/seccomp.json\""
	run_bryo -1 run --rm "$BUSYBOX" mkdir /x
	run_bryo run --rm --security-opt seccomp=unconfined "$BUSYBOX" mkdir /x
	run_bryo run --rm --privileged "$BUSYBOX" mkdir /x
}

@test "G13: log_driver, log_size_max, log_tag" {
	conf '[containers]' 'log_driver = "json-file"' 'log_size_max = 2000' \
		'log_tag = "{{.Name}}"'
	run_bryo run --name "$(cname)" "$BUSYBOX" echo hello
	run_bryo inspect --format \
		'{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}} {{.HostConfig.LogConfig.Tag}}' \
		"$(cname)"
	assert_match "^json-file 2kB"
	run_bryo logs "$(cname)"
	assert hello
	run_bryo rm "$(cname)"
	run_bryo create --log-driver k8s-file --log-opt max-size=5000 \
		--name "$(cname)" "$BUSYBOX" true
	run_bryo inspect --format \
		'{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}}' \
		"$(cname)"
	assert "k8s-file 5kB"
	run_bryo rm "$(cname)"
	# the sizes are for drivers that have files
	run_bryo run --rm --log-driver none "$BUSYBOX" true
}

@test "G13: annotations, devices, init, shm_size, pids_limit" {
	conf '[containers]' 'annotations = ["a=conf", "b=conf"]' 'init = true' \
		'devices = ["/dev/null:/dev/mine"]' 'shm_size = "1m"'
	run_bryo create --annotation b=flag --name "$(cname)" "$BUSYBOX" \
		sh -c 'cat /proc/1/comm; ls /dev/mine; df -k /dev/shm | tail -n1 | awk "{print \$2}"'
	run_bryo inspect --format '{{.Config.Annotations.a}} {{.Config.Annotations.b}}' "$(cname)"
	assert "conf flag"
	run_bryo start -a "$(cname)"
	assert_match "init"$'\n/dev/mine\n1024'
	run_bryo rm "$(cname)"
	run_bryo run --rm --init=false --shm-size 2m "$BUSYBOX" sh -c \
		'cat /proc/1/comm; df -k /dev/shm | tail -n1 | awk "{print \$2}"'
	assert $'sh\n2048'
	conf '[containers]' 'pids_limit = 77'
	run_bryo create --name "$(cname)" "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.PidsLimit}}' "$(cname)"
	assert 77
	run_bryo rm "$(cname)"
	conf '[containers]' 'shm_size = "much"'
	run_bryo -125 create "$BUSYBOX" true
	assert_match "containers.shm_size: \"much\" is not a size"
}

@test "G13: default_host_ips" {
	conf '[network]' 'default_host_ips = ["127.0.0.1", "127.0.0.2"]'
	run_bryo create -p 18080:80 -p 127.0.0.3:18081:81 --name "$(cname)" \
		"$BUSYBOX" true
	run_bryo inspect --format '{{json .HostConfig.PortBindings}}' "$(cname)"
	assert_match '"HostIp":"127.0.0.1","HostPort":"18080"'
	assert_match '"HostIp":"127.0.0.2","HostPort":"18080"'
	assert_match '"81/tcp":\[\{"HostIp":"127.0.0.3","HostPort":"18081"\}\]'
	run_bryo rm "$(cname)"
	conf '[network]' 'default_host_ips = ["nowhere"]'
	run_bryo -125 create -p 18080:80 "$BUSYBOX" true
	assert_match "network.default_host_ips: nowhere is not an ip address"
}

@test "G13: stop_timeout, image_volume_mode, pull_policy, env of the engine" {
	conf '[engine]' 'stop_timeout = 3' 'image_volume_mode = "ignore"' \
		'pull_policy = "never"' 'env = ["PODMAN_USERNS=keep-id", "E=engine"]'
	run_bryo create --name "$(cname)" "$BUSYBOX" true
	run_bryo inspect --format '{{.Config.StopTimeout}}' "$(cname)"
	assert 3
	run_bryo rm "$(cname)"
	run_bryo -125 run --rm "localhost:$REGISTRY_PORT/debian" true
	assert_match "image not known"
	run_bryo run --rm -e E "$BUSYBOX" sh -c 'id -u; echo $E'
	assert "$(id -u)"$'\nengine'
	E=mine run_bryo run --rm --stop-timeout 4 -e E "$BUSYBOX" sh -c 'echo $E'
	assert mine
	conf '[engine]' 'image_volume_mode = "bogus"'
	run_bryo -125 run --rm "$BUSYBOX" true
	assert_match "invalid image-volume type \"bogus\""
}

@test "G13, G12: events_logger and --events-backend" {
	conf '[engine]' 'events_logger = "none"'
	run_bryo create --name "$(cname)" --conmon-pidfile "$CONF.pid" "$BUSYBOX" true
	run_bryo -125 events --stream=false
	assert "Error: cannot read events with the \"none\" backend"
	run_bryo --events-backend file events --stream=false --filter "container=$(cname)"
	assert ""
	run_bryo start "$(cname)"
	run_bryo wait "$(cname)"
	# its monitor saves the end; until then rm does, and tells of it
	wait_until 10 refute kill -0 "$(cat "$CONF.pid")"
	run_bryo --events-backend=file rm "$(cname)"
	run_bryo --events-backend=file events --stream=false \
		--filter "container=$(cname)" --format '{{.Status}}'
	assert remove
	run_bryo -125 --events-backend bogus ps
	assert_match "unknown events backend \"bogus\""
	run_bryo -125 --events-backend journald ps
	assert_match "not supported yet"
	# for podman's journal: events are kept all the same
	conf '[engine]' 'events_logger = "journald"'
	run_bryo events --stream=false --filter "container=$(cname)" \
		--format '{{.Status}}'
	assert remove
}

@test "G13: cgroup_manager and detach_keys have to be known" {
	conf '[engine]' 'cgroup_manager = "bogus"'
	run_bryo -125 ps
	assert_match "unknown cgroup manager \"bogus\""
	conf '[engine]' 'cgroup_manager = "cgroupfs"'
	run_bryo info --format '{{.Host.CgroupManager}} {{.Host.LogDriver}}'
	assert_match "^(cgroupfs|none) k8s-file"
	# no demand: podman, too, goes on without systemd
	conf '[engine]' 'cgroup_manager = "systemd"'
	run_bryo run -d --name "$(cname)" "$BUSYBOX" true
	run_bryo wait "$(cname)"
	run_bryo rm "$(cname)"
	conf '[engine]' 'detach_keys = "ctrl-nonsense"'
	run_bryo -125 run --rm "$BUSYBOX" true
	assert "Error: invalid detach keys: ctrl-nonsense"
	run_bryo run --rm --detach-keys ctrl-x "$BUSYBOX" true
}

@test "G13: storage.conf: ours lies beside podman's" {
	local sc=$ENGINE_DIR/storage.conf
	: >"$sc"
	export CONTAINERS_STORAGE_CONF=$sc
	run_bryo info --format '{{.Store.GraphRoot}} {{.Store.RunRoot}}'
	assert "$XDG_DATA_HOME/bryo $XDG_RUNTIME_DIR/bryo"
	# podman's own default places mean nothing to us
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' \
		"$XDG_DATA_HOME/containers/storage" \
		"$XDG_RUNTIME_DIR/containers" >"$sc"
	run_bryo info --format '{{.Store.GraphRoot}} {{.Store.RunRoot}}'
	assert "$XDG_DATA_HOME/bryo $XDG_RUNTIME_DIR/bryo"
	mkdir "$ENGINE_DIR/podman"
	printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' \
		"$ENGINE_DIR/podman/" "$ENGINE_DIR/prun" >"$sc"
	run_bryo info --format '{{.Store.GraphRoot}} {{.Store.RunRoot}} {{.Store.GraphDriverName}}'
	assert "$ENGINE_DIR/podman-bryo $ENGINE_DIR/prun-bryo vfs"
	[ -z "$(ls -A "$ENGINE_DIR/podman")" ]
	[ ! -e "$ENGINE_DIR/prun" ]
	run_bryo info --format '{{.Store.ConfigFile}}'
	assert "$sc"
	# flags, then the environment, then the file
	run_bryo --root "$ENGINE_DIR/r" --runroot "$ENGINE_DIR/rr" \
		--storage-driver overlay info \
		--format '{{.Store.GraphRoot}} {{.Store.RunRoot}} {{.Store.GraphDriverName}}'
	assert "$ENGINE_DIR/r $ENGINE_DIR/rr overlay"
	STORAGE_DRIVER=overlay run_bryo info --format '{{.Store.GraphDriverName}}'
	assert_no_match "vfs"
	rm -rf "$ENGINE_DIR"/podman-bryo "$ENGINE_DIR"/prun-bryo \
		"$ENGINE_DIR/r" "$ENGINE_DIR/rr"

	printf '[storage]\ngraphroot = "relative"\n' >"$sc"
	run_bryo -125 ps
	assert "Error: $sc: storage.graphroot: \"relative\" is not an absolute path"
	printf '[storage\n' >"$sc"
	run_bryo -125 ps
	assert_match "^Error: $sc: line 1: "
	CONTAINERS_STORAGE_CONF=/nonexistent run_bryo -125 ps
	assert_match "/nonexistent: no such file"
}

@test "G13: the user's storage.conf is found without a variable" {
	mkdir -p "$HOME/.config/containers"
	printf '[storage]\nrootless_storage_path = "$HOME/store-$UID"\n' \
		>"$HOME/.config/containers/storage.conf"
	run_bryo info --format '{{.Store.GraphRoot}}'
	assert "$HOME/store-$(id -u)-bryo"
	rm -rf "$HOME/store-$(id -u)-bryo" "$HOME/.config/containers"
}
