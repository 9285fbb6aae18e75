# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# stats and top without cgroups: added up from the processes.
load helpers

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null
}

field() {
	"$BRYO" stats --no-stream --format "{{.$2}}" "$1"
}

@test "P11: stats has podman's columns, for running containers only" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sleep 100
	id=${out:0:12}
	run_bryo create --name "$(cname b)" "$BUSYBOX" true
	run_bryo stats --no-stream
	[[ ${lines[0]:-$(head -n1 <<<"$out")} =~ ^ID\ +NAME\ +CPU\ %\ +MEM\ USAGE\ /\ LIMIT\ +MEM\ %\ +NET\ IO\ +BLOCK\ IO\ +PIDS\ +CPU\ TIME\ +AVG\ CPU\ % ]]
	[ "$(wc -l <<<"$out")" = 2 ]
	assert_match "$id +$(cname) +[0-9.]+% +[0-9.]+[kM]?B / [0-9.]+GB +[0-9.]+% +[0-9.]+[kM]?B / [0-9.]+[kM]?B +[0-9.]+[kMG]?B / [0-9.]+[kMG]?B +1 " "$out"
	run_bryo stats --no-stream -a --no-trunc
	[ "$(wc -l <<<"$out")" = 3 ]
	assert_match "$(cname b) +-- +-- / --" "$out"
	run_bryo stats --no-stream --format json "$(cname)"
	[ "$(jq -r '.[0] | keys | join(",")' <<<"$out")" = avg_cpu,block_io,cpu_percent,cpu_time,id,mem_percent,mem_usage,name,net_io,pids ]
	[ "$(jq -r '.[0].name' <<<"$out")" = "$(cname)" ]
	run_bryo stats --no-stream --format '{{.Container}} {{.PIDs}} {{.PIDS}}' "$(cname)"
	assert "$id 1 1"
}

@test "P11: stats counts what is used: processor, memory, processes, network" {
	run_bryo run -d --name "$(cname)" --tmpfs /t "$BUSYBOX" sh -c '
		sleep 1000 & sleep 1000 & while :; do :; done'
	wait_until 5 has_pids "$(cname)" 3
	# a share of a machine that may be busy with other things
	wait_until 5 is_busy "$(cname)"
	before=$(field "$(cname)" NetIO)
	run_bryo exec "$(cname)" sh -c 'for i in 1 2 3; do ping -c1 -W1 10.0.2.2 || echo x >/dev/udp/10.0.2.2/9; done; true'
	run_bryo exec -d "$(cname)" sh -c 'x=$(head -c 30000000 /dev/zero | tr "\0" a); sleep 1000'
	wait_until 10 grows "$(cname)"
	[ "$(field "$(cname)" PIDs)" -ge 4 ]
	[ "$before" != "" ]
	run_bryo run -d --name "$(cname b)" --network host "$BUSYBOX" sleep 100
	[ "$(field "$(cname b)" NetIO)" = "0B / 0B" ]
}

has_pids() {
	[ "$(field "$1" PIDs)" = "$2" ]
}

is_busy() {
	[ "$(field "$1" CPUPerc | tr -d %.)" -gt 100 ]
}

grows() {
	[[ $(field "$1" MemUsage) =~ ^[2-9][0-9].*MB\ / ]]
}

@test "P11: stats streams, and ends when what it was asked for has ended" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sleep 1000
	local rows=$BATS_TEST_TMPDIR/rows
	"$BRYO" stats -i 0 --format '{{.Name}}' "$(cname)" >"$rows" 3>&- &
	wait_until 5 sh -c "[ \$(grep -cx '$(cname)' '$rows') -gt 3 ]"
	run_bryo kill "$(cname)"
	wait $!
	run_bryo -125 stats --no-stream nobody
	assert_match 'no such container'
	run_bryo -125 stats --no-stream -a "$(cname)"
	assert_match 'cannot be used together'
	run_bryo -125 stats -i -1
	run_bryo stats --no-stream -l --format '{{.Name}} {{.CPUPerc}}'
	assert "$(cname) --"
}

@test "P11: top knows the host's pids, and all of podman's descriptors" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sleep 100
	pid=$("$BRYO" inspect -f '{{.State.Pid}}' "$(cname)")
	run_bryo container top "$(cname)" pid hpid huser
	assert_match "1 +$pid +$(id -un)" "$out"
	for d in args capamb capbnd capeff capinh capprm comm etime group \
		groups hgroup hgroups hpid huser label nice pcpu pgid pid \
		ppid rgroup rss ruser seccomp state stime time tty user vsz; do
		run_bryo top "$(cname)" "$d"
		[ "$(wc -l <<<"$out")" = 2 ]
	done
	run_bryo pause "$(cname)"
	run_bryo top "$(cname)" state
	assert $'STATE\nT' "$out"
	run_bryo stats --no-stream "$(cname)"
	assert_match "$(cname)" "$out"
}
