#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docker's placeholders and filters of info, version, search, events, secret.

load helpers

@test "docker: info placeholders" {
	run_bryo create --name one "$BUSYBOX"
	run_bryo run -d --name two "$BUSYBOX" sleep 1000
	run_bryo info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}}'
	assert "2 1 0 1 1"
	run_bryo rm -ft0 one two
	run_bryo info -f '{{.CgroupVersion}} {{.Swarm.LocalNodeState}} {{.ClientInfo.Context}}'
	case $(stat -f -c %T /sys/fs/cgroup) in
	cgroup2fs) assert "2 inactive default" ;;
	*) assert "1 inactive default" ;;
	esac
	run_bryo info -f '{{.OperatingSystem}}'
	# shellcheck disable=SC1091
	assert "$(. /etc/os-release && echo "$PRETTY_NAME")"
	run_bryo info -f '{{.SecurityOptions}}'
	assert "[name=seccomp,profile=default name=rootless]"
	run_bryo info -f '{{.DefaultRuntime}} {{json .Warnings}} {{.Labels}} {{.Debug}} {{.DriverStatus}}'
	assert "bryo [] [] false []"
	run_bryo info -f '{{(index .Runtimes "bryo").path}}'
	assert "$(readlink -f "$BRYO")"
	run_bryo info -f '{{.IndexServerAddress}} {{.SystemTime}}'
	assert_match '^https://index.docker.io/v1/ 20[0-9]{2}-.*Z$'
	# templates only
	run_bryo info -f json
	jq -e 'has("Swarm") or has("Containers") | not' <<<"$out"
	run_bryo info -f '{{json .}}'
	jq -e 'has("Swarm") or (.Host.Distribution | has("PrettyName")) | not' <<<"$out"
}

@test "docker: the controllers of info are those that were delegated" {
	local file=/sys/fs/cgroup/user.slice/user-$UID.slice/user@$UID.service/cgroup.controllers
	run_bryo info -f '{{range .Host.CgroupControllers}}{{.}} {{end}}'
	assert "$(tr '\n' ' ' <"$file" 2>/dev/null || :)"
}

@test "docker: version placeholders" {
	run_bryo version -f '{{.Server.KernelVersion}} {{.Server.Experimental}} {{.Client.Platform.Name}} {{.Client.Context}}'
	assert "$(uname -r) false bryo default"
	run_bryo version -f '{{.Server.MinAPIVersion}} {{.Client.DefaultAPIVersion}}'
	local api=$out
	run_bryo version -f '{{.Server.APIVersion}} {{.Client.APIVersion}}'
	assert "$api"
	run_bryo version -f json
	jq -e '.Client | has("Platform") | not' <<<"$out"
}

@test "docker: search placeholders" {
	run_bryo search "localhost:$REGISTRY_PORT/busybox" --format '{{.Name}} {{.StarCount}} [{{.IsOfficial}}] [{{.IsAutomated}}]'
	assert "localhost:$REGISTRY_PORT/busybox 0 [] []"
	run_bryo search "localhost:$REGISTRY_PORT/busybox" --format json
	jq -e '.[0] | has("StarCount") | not' <<<"$out"
}

@test "docker: secret ls by label, with labels" {
	echo x | "$BRYO" secret create -l a=b -l c=d s1 -
	echo x | "$BRYO" secret create s2 -
	run_bryo secret ls --format '{{.Name}} {{.Labels}} {{.Label "c"}}' --filter label=a
	assert "s1 a=b,c=d d"
	run_bryo secret ls --filter label=a=b --format '{{.Name}}'
	assert s1
	run_bryo secret ls --filter label=a=c -q
	assert ""
	run_bryo secret ls --format '{{.Name}}[{{.Labels}}{{.Label "c"}}]' --filter name=s2
	assert "s2[]"
	run_bryo secret rm s1 s2
}

@test "docker: events by scope" {
	run_bryo volume create vs
	run_bryo events --since 1h --until 0s --filter scope=local --filter volume=vs
	assert_match " volume create vs"
	run_bryo events --since 1h --until 0s --filter scope=swarm
	assert ""
	run_bryo volume rm vs
}
