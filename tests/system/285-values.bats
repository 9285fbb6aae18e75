#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Values of flags as scripts type them: empty, no number, out of range, twice,
# of something that is not there.  The texts are podman's.

load helpers

@test "an empty value is as if the flag had not been typed" {
	run_bryo run --rm --name "" --memory "" --memory-swap "" \
		--memory-reservation "" --blkio-weight "" --cgroups "" \
		--health-cmd "" --image-volume "" --platform "" --pull "" \
		--sdnotify "" --shm-size "" --stop-signal "" --systemd "" \
		--umask "" --add-host "" --annotation "" -e "" -e A=1 \
		--env-file "" --label-file "" --log-opt "" --secret "" \
		--ulimit "" --network "" "$BUSYBOX" sh -c 'echo $A; umask'
	assert $'1\n0022'
	run_bryo create -e "" -e B=2 --umask "" --stop-signal "" "$BUSYBOX"
	run_bryo inspect -l --format \
		'{{index .Config.Env 0}} {{.Config.Umask}} {{.HostConfig.ShmSize}}'
	assert_match "0022 67108864"
	run_bryo rm -l
	# of a number it is an error
	run_bryo -125 create --cpus "" "$BUSYBOX"
	assert_match '^Error: invalid argument "" for "--cpus" flag: strconv.ParseFloat: parsing "": invalid syntax'
}

# no_number FLAG NAME FUNCTION VALUE COMMAND...
no_number() {
	local flag=$1 fn=$2 value=$3
	shift 3
	run_bryo -125 "$@" "$value" x
	assert "Error: invalid argument \"$value\" for \"$flag\" flag: strconv.$fn: parsing \"$value\": invalid syntax
See 'bryo $1 --help'"
}

@test "G3: what is no number is refused in strconv's words" {
	no_number --cpu-period ParseUint bad create --cpu-period
	no_number --cpu-period ParseUint -1 create --cpu-period
	no_number --cpu-quota ParseInt bad create --cpu-quota
	no_number "-c, --cpu-shares" ParseUint 1x create -c
	no_number --cpu-rt-period ParseUint bad run --cpu-rt-period
	no_number --cpu-rt-runtime ParseInt bad run --cpu-rt-runtime
	no_number --cpus ParseFloat bad create --cpus
	no_number --memory-swappiness ParseInt bad create --memory-swappiness
	no_number --pids-limit ParseInt bad create --pids-limit
	no_number --oom-score-adj ParseInt bad create --oom-score-adj
	no_number --health-retries ParseUint -1 create --health-retries
	no_number --cpus ParseFloat bad update --cpus
	no_number "-t, --time" ParseInt bad stop -t
	no_number "-t, --time" ParseInt "" restart -t
	no_number "-t, --time" ParseInt 1s rm -f -t
	run_bryo -125 create --cpu-period 99999999999999999999 "$BUSYBOX"
	assert_match "^Error: .*: value out of range"
	run_bryo -125 create -m 1q "$BUSYBOX"
	assert "Error: invalid value for memory: invalid size: '1q'"
}

@test "R20: a bad restart policy is told apart" {
	local p="restart policy"
	run_bryo -125 create --restart bad "$BUSYBOX"
	assert "Error: running container create option: \"bad\" is not a valid $p: invalid argument"
	run_bryo -125 create --restart on-failure:x "$BUSYBOX"
	assert_match "^Error: parsing $p retry count: "
	run_bryo -125 create --restart on-failure: "$BUSYBOX"
	assert_match "^Error: parsing $p retry count: "
	run_bryo -125 create --restart on-failure:1:2 "$BUSYBOX"
	assert "Error: invalid $p: may specify retries at most once"
	run_bryo -125 create --restart always:3 "$BUSYBOX"
	assert "Error: $p retries can only be specified with on-failure $p"
	run_bryo create --name r --restart on-failure:3 "$BUSYBOX"
	run_bryo inspect --format \
		'{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' r
	assert "on-failure 3"
	run_bryo rm r
}

@test "a namespace that is not there is found by create" {
	local flag what
	while read -r flag what; do
		run_bryo -125 create "--$flag" container: "$BUSYBOX"
		assert "Error: invalid config provided: namespace mode container requires a value"
		run_bryo -125 create "--$flag" ns: "$BUSYBOX"
		assert "Error: invalid config provided: namespace mode path requires a value"
		run_bryo -125 create "--$flag" ns:/nosuch "$BUSYBOX"
		assert "Error: cannot find specified $what namespace path: stat /nosuch: no such file or directory"
	done <<-END
		pid PID
		ipc IPC
		uts UTS
		cgroupns cgroup
		network network
		userns user
	END
	run_bryo ps -aq
	assert ""
}

@test "what is asked for a namespace of the host's is an error" {
	run_bryo -125 create --sysctl net.ipv4.ip_forward=1 --network host "$BUSYBOX"
	assert "Error: sysctl net.ipv4.ip_forward=1 can't be set since Network Namespace set to host: invalid argument"
	run_bryo -125 create --sysctl kernel.shmmax=1 --ipc host "$BUSYBOX"
	assert_match "since IPC Namespace set to host"
	run_bryo -125 create --shm-size 1g --ipc host "$BUSYBOX"
	assert "Error: invalid config provided: cannot set shmsize when running in the {host } IPC Namespace"
	run_bryo run --rm --shm-size 1m --ipc shareable "$BUSYBOX" true
	run_bryo -125 create --network host --network none "$BUSYBOX"
	assert "Error: cannot set multiple networks without bridge network mode, selected mode host: invalid argument"
	run_bryo -125 create --device /dev/nosuch "$BUSYBOX"
	assert "Error: stat /dev/nosuch: no such file or directory"
}

@test "P15: volume options that exclude each other" {
	local o
	for o in ro,rw z,Z suid,nosuid shared,private U,U exec,noexec; do
		run_bryo -125 create -v "v:/x:$o" "$BUSYBOX"
		assert_match "^Error: invalid options \"${o/,/, }\", can only specify 1 '"
	done
	run_bryo create -v v:/x:ro,z,nosuid,rslave "$BUSYBOX"
	run_bryo rm -l
	run_bryo volume rm v
}

@test "G3: run ends with 126 when the container cannot be started" {
	run_bryo -126 run --rm -v /etc/passwd:/etc "$BUSYBOX" true
	run_bryo -126 run --rm --tmpfs /x:size=bad "$BUSYBOX" true
	run_bryo -126 run --name s --sysctl net.nosuch=1 "$BUSYBOX" true
	run_bryo -125 start s
	run_bryo rm s
	run_bryo ps -aq
	assert ""
}

@test "R20: run in the foreground leaves a container that comes back" {
	local i
	run_bryo -1 run --name r --restart on-failure:2 "$BUSYBOX" false
	for ((i = 0; i < 100; i++)); do
		run_bryo inspect --format '{{.RestartCount}} {{.State.Status}}' r
		[ "$output" != "2 exited" ] || break
		sleep 0.1
	done
	assert "2 exited"
	# and so does start --attach
	run_bryo create --name s --restart on-failure:1 "$BUSYBOX" false
	run_bryo -1 start -a s
	for ((i = 0; i < 100; i++)); do
		run_bryo inspect --format '{{.RestartCount}} {{.State.Status}}' s
		[ "$output" != "1 exited" ] || break
		sleep 0.1
	done
	assert "1 exited"
	run_bryo rm r s
}

@test "P18: --dns=none leaves the image's resolv.conf" {
	run_bryo run -d --name n --dns none "$BUSYBOX" sleep 1000
	run_bryo -1 exec n cat /etc/resolv.conf
	# who joins the network has a working one
	run_bryo run --rm --network container:n "$BUSYBOX" cat /etc/resolv.conf
	assert_match "^nameserver [0-9]"
	run_bryo -125 create --dns none --dns 1.1.1.1 "$BUSYBOX"
	assert "Error: none is not allowed to be specified with other DNS ip addresses"
	run_bryo rm -f -t 0 n
}

@test "P16: labels and driver options of a secret are checked" {
	echo s >"$BATS_TEST_TMPDIR/s"
	run_bryo -125 secret create -l =x s "$BATS_TEST_TMPDIR/s"
	assert 'Error: unable to process labels: invalid label format: "=x"'
	run_bryo -125 secret create --driver-opts bad s "$BATS_TEST_TMPDIR/s"
	assert_match "bad must be formatted as key=value"
	run_bryo secret ls -q
	assert ""
}
