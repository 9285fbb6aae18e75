#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What scripts read with --format: times, templates in templates, and the
# fields whose JSON is null.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

teardown() {
	run_bryo rm -fa -t 0
}

@test "times and durations of inspect have Go's methods" {
	run_bryo create --name c --health-cmd true --health-interval 90s "$BUSYBOX" true
	run_bryo inspect --format '{{.Created.Year}}|{{.Created.Format "2006-01-02T15:04:05.999999999Z07:00"}}' c
	local want=$output
	run_bryo inspect --format '{{json .Created}}' c
	[ "${want%%-*}" = "${want%%|*}|${want%%|*}" ]
	assert "\"${want#*|}\""
	run_bryo inspect --format '{{.Created.Unix}}' c
	[ "$output" = "$(date -d "${want#*|}" +%s)" ]
	run_bryo inspect --format '{{.Created.IsZero}} {{.State.FinishedAt.IsZero}} {{.State.StartedAt}}' c
	assert "false true 0001-01-01 00:00:00 +0000 UTC"
	run_bryo inspect --format '{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Interval.Seconds}}' c
	assert "1m30s 90"
	run_bryo ps -a --format '{{.Created.Format "2006-01-02"}}'
	assert "$(date -u -d "${want#*|}" +%F)"
	run_bryo image inspect --format '{{.Created.Before .Created}} {{.Created.Equal .Created}}' "$BUSYBOX"
	assert "false true"
	run_bryo -125 inspect --format '{{.Created.Format}}' c
	assert "Error: template: wrong number of args for Format: want 1 got 0"
	run_bryo -125 inspect --format '{{.Created.Nope}}' c
	assert "Error: template: can't evaluate field Nope in type time.Time"
}

@test "a template can define and use templates, and escape what it prints" {
	run_bryo create --name c --label 'html=<a href="x">&</a>' --label b=2 "$BUSYBOX" true
	run_bryo inspect --format '{{define "row"}}{{.k}}={{end}}{{range $k, $v := .Config.Labels}}{{template "kv" $k}}{{$v}};{{end}}{{define "kv"}}[{{.}}]{{end}}' c
	assert '[b]2;[html]<a href="x">&</a>;'
	run_bryo ps -a --format '{{block "name" .Names}}<{{.}}>{{end}}{{template "name" .State}}'
	assert '<c><created>'
	run_bryo ps -a --format 'table {{define "n"}}{{.}}{{end}}{{template "n" .Names}}\t{{.State}}'
	assert $'NAMES       STATE\nc           created'
	run_bryo inspect --format '{{html (index .Config.Labels "html")}} {{urlquery (index .Config.Labels "html")}}' c
	assert '&lt;a href=&#34;x&#34;&gt;&amp;&lt;/a&gt; %3Ca+href%3D%22x%22%3E%26%3C%2Fa%3E'
	run_bryo inspect --format '{{js "it'"'"'s <b>"}}' c
	assert "it\\'s \\u003Cb\\u003E"
	run_bryo -125 inspect --format '{{template "none"}}' c
	assert 'Error: template: template "none" not defined'
}

@test "ports that are only exposed are there, with null" {
	run_bryo create --name c --expose 443 --expose 50-51/udp -p 127.0.0.1::80 "$BUSYBOX" true
	run_bryo inspect --format '{{json .NetworkSettings.Ports}}' c
	assert '{"443/tcp":null,"50/udp":null,"51/udp":null,"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]}'
	run_bryo inspect --format '{{range $p, $on := .HostConfig.PortBindings}}{{$p}}:{{len $on}} {{end}}' c
	assert '443/tcp:0 50/udp:0 51/udp:0 80/tcp:1 '
	run_bryo inspect --format '{{.NetworkSettings.Ports}}' c
	assert 'map[443/tcp:[] 50/udp:[] 51/udp:[] 80/tcp:[{127.0.0.1 }]]'
	[ "$("$BRYO" inspect c | jq -c '.[0].NetworkSettings.Ports["443/tcp"]')" = null ]
	run_bryo -125 inspect --format '{{(index (index .NetworkSettings.Ports "443/tcp") 0).HostPort}}' c
	assert_match "index out of range: 0"
	# both published and exposed: published; a network of others: none
	run_bryo create --name d --expose 80 -p 127.0.0.1::80 "$BUSYBOX" true
	run_bryo inspect --format '{{json .NetworkSettings.Ports}}' d
	assert '{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]}'
	local net
	for net in none host; do
		run_bryo create --name "n-$net" --network $net --expose 443 "$BUSYBOX" true
		run_bryo inspect --format '{{json .NetworkSettings.Ports}}{{json .Config.ExposedPorts}}' "n-$net"
		assert '{}{"443/tcp":{}}'
	done
}

@test "lists and maps that are null in JSON print as empty ones" {
	run_bryo create --name c "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.Links}} {{.HostConfig.VolumesFrom}} {{.HostConfig.LogConfig.Config}} {{.HostConfig.CgroupConf}}' c
	assert '[] [] map[] map[]'
	run_bryo inspect --format '{{json .HostConfig.Links}} {{json .HostConfig.LogConfig.Config}} {{json .HostConfig.CgroupConf}}' c
	assert 'null null null'
	run_bryo info --format '{{.Plugins.Authorization}} {{json .Plugins.Authorization}}'
	assert '[] null'
}

@test "inspect names capabilities in one way, and a tmpfs's options first" {
	run_bryo create --name c --cap-add net_admin --cap-add CAP_SYS_TIME,NET_ADMIN --cap-drop chown \
		--tmpfs /t:size=5m "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.Tmpfs}}' c
	assert '[CAP_NET_ADMIN CAP_SYS_TIME] [CAP_CHOWN] map[/t:size=5m,rw,rprivate,nosuid,nodev,tmpcopyup]'
	run_bryo create --name d --cap-drop all --cap-add kill --cgroup-conf memory.high=1000000 "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{.HostConfig.CgroupConf}}' d
	assert '[CAP_KILL] [ALL] map[memory.high:1000000]'
}

@test "ps has the namespaces as fields, filled in with --ns" {
	run_bryo run -d --name c --network none "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.Pid}}' c
	local pid=$output
	ns() { readlink "/proc/$pid/ns/$1" | tr -dc 0-9; }
	run_bryo ps --ns --format '{{.Namespaces}}'
	assert "{$(ns mnt) $(ns cgroup) $(ns ipc) $(ns net) $(ns pid) $(ns uts) $(ns user)}"
	run_bryo ps --ns --format '{{.Namespaces.User}} {{.USERNS}} {{.Namespaces.PIDNS}} {{.PIDNS}}'
	assert "$(ns user) $(ns user) $(ns pid) $(ns pid)"
	run_bryo ps --format '{{.Namespaces}}|{{.NET}}|{{.CGROUPNS}}'
	assert '{      }||'
	run_bryo ps --format '{{json .}}'
	refute grep -q 'Namespaces\|PIDNS' <<<"$output"
	[ "$("$BRYO" ps --ns --format json | jq -r '.[0].Namespaces.Net')" = "$(ns net)" ]
	[ "$("$BRYO" ps --format json | jq -c '.[0].Namespaces')" = '{}' ]
}
