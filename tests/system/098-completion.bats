#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Shell completion: names, images, options and their values.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" run -d --name running "$BUSYBOX" sleep 10000 3>&- >/dev/null
	"$BRYO" create --name idle "$BUSYBOX" >/dev/null
	"$BRYO" volume create vol1 >/dev/null
	echo x | "$BRYO" secret create sec1 - >/dev/null
}

# answers WORD...: what the last word may become, one blank between
answers() {
	"$BRYO" __complete -- "$@" | cut -f1 | tr '\n' ' ' | sed 's/ $//'
}

@test "completion: containers that a command can work on" {
	assert running "$(answers stop "")"
	assert running "$(answers exec "")"
	assert idle "$(answers start "")"
	assert "" "$(answers unpause "")"
	assert "running idle" "$(answers rm "")"
	assert idle "$(answers container rm id)"
	assert "running idle" "$(answers --log-level debug rm "")"
}

@test "completion: what runs in the container is not completed" {
	assert "" "$(answers run "$BUSYBOX" "")"
	assert "" "$(answers run --rm "$BUSYBOX" --)"
	assert "" "$(answers exec running "")"
	assert "busybox:latest" "$(answers run --name x -it busy)"
	assert "$BUSYBOX:latest" "$(answers run -e A=b localhost:)"
	assert "" "$(answers tag busybox "")"
}

@test "completion: values of options" {
	assert "always no on-failure on-failure: unless-stopped" \
		"$(answers run --restart "")"
	assert "--pull=missing" "$(answers run --pull=mi)"
	assert "host none slirp4netns container:" "$(answers create --net "")"
	assert "container:running" "$(answers run --network container:ru)"
	assert "--pid=container:running" "$(answers run --pid=container:ru)"
	assert vol1 "$(answers run -v vo)"
	assert sec1 "$(answers run --secret "")"
	assert sec1 "$(answers secret rm "")"
	assert vol1 "$(answers volume rm "")"
	assert "NET_ADMIN" "$(answers run --cap-add NET_A)"
	assert "SIGUSR1 SIGUSR2" "$(answers kill -s SIGUS)"
	assert "status=paused" "$(answers ps -a --filter status=p)"
	assert "json table" "$(answers images --format "")"
	assert "bash fish zsh" "$(answers completion "")"
	assert "debug" "$(answers --log-level de)"
	# free text and files are the shell's
	assert "" "$(answers run --env "")"
	assert "" "$(answers load -i "")"
	assert "" "$(answers run -dit --name "")"
}

@test "completion: each value of the list is one that run takes" {
	local opt value
	for opt in restart pull log-driver network pid ipc uts cgroupns \
		isolation volume-driver health-on-failure image-volume systemd; do
		for value in $(answers create --$opt ""); do
			case $opt=$value in
			*:) continue ;;	# a name has to follow
			log-driver=journald) continue ;;	# needs its daemon
			health-on-failure=*) set -- --health-cmd true ;;
			*) set -- ;;
			esac
			run_bryo create --name val "$@" --$opt "$value" "$BUSYBOX"
			run_bryo rm val
		done
	done
}

@test "completion: groups, help, unknown commands" {
	assert_match "(^| )remove( |$)" "$(answers secret "")"
	assert container "$(answers help con)"
	assert "" "$(answers nosuch "")"
	assert_match "(^| )--detach( |$)" "$(answers run --)"
	assert_no_match "gpus" "$(answers run --)"
}

# typed LINE: what bash would put behind it
typed() {
	bash -c 'PATH=$1:$PATH
	compopt() { :; }
	eval "$(bryo completion bash)"
	COMP_LINE=$2 COMP_POINT=${#2}
	COMP_WORDS=(bryo) COMP_CWORD=1
	COMP_WORDBREAKS=$'"' \\t\\n\"\\'><=;|&(:'"'
	_bryo
	echo "${COMPREPLY[*]}"' - "$BRYO_BUILD" "$1"
}

@test "completion: bash, whose words end at : and =" {
	assert running "$(typed 'bryo stop run')"
	assert "running idle" "$(typed 'bryo rm ')"
	assert "${BUSYBOX#localhost:}:latest" "$(typed 'bryo run localhost:')"
	assert "latest" "$(typed "bryo run $BUSYBOX:")"
	assert missing "$(typed 'bryo run --pull=mi')"
	assert running "$(typed 'bryo run --network container:ru')"
	assert exited "$(typed 'bryo ps -f status=ex')"
}
