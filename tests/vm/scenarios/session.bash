# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# as_user USER COMMAND...: run it as USER in a login session (pam_systemd:
# runtime directory, session bus, a session scope), the way ssh would.  For
# root alone it just runs.

as_user() {
	local user=$1
	shift
	if [ "$user" = root ]; then
		"$@"
		return
	fi
	systemd-run --quiet --wait --pipe --collect -p PAMName=login \
		-p User="$user" -p WorkingDirectory="~" \
		-E LANG=C.UTF-8 -E TERM=dumb \
		-E PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
		-- "$@"
}
