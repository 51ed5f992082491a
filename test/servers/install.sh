#!/bin/bash
# Installs the groupware servers, and the programs that the tests and the benchmarks compare with, from Debian's packages.
# Safe to repeat; quick when everything is there. Starts no daemon. Needs root on Debian; elsewhere it says what is left
# out and why, and ends with 0, because the tests then skip with the same reason.
#
#   test/servers/install.sh           the servers for the tests
#   test/servers/install.sh --bench   also mbsync and vdirsyncer, which the benchmarks compare with
set -euo pipefail

packages=(
	msmtp-mta # cyrus-common depends on any mail transport agent; this one is small
	cyrus-common cyrus-caldav cyrus-admin
	sasl2-bin libsasl2-modules
	dovecot-imapd
	radicale
	eatmydata # loads test mail without waiting for the disk
	unrtf tnef ytnef-tools libemail-outlook-message-perl # read what we write in Outlook's formats
)
bench=(isync vdirsyncer)
# Checked with `test -e`: the proof that a package did arrive.
proof=(
	/usr/lib/cyrus/bin/master /usr/lib/cyrus/bin/imapd /usr/lib/cyrus/bin/httpd /usr/sbin/saslpasswd2
	/usr/sbin/dovecot /usr/lib/dovecot/imap /usr/bin/radicale /usr/bin/eatmydata
	/usr/bin/unrtf /usr/bin/tnef /usr/bin/ytnef /usr/share/perl5/Email/Outlook/Message.pm
)
if [[ "${1:-}" == --bench ]]; then
	packages+=("${bench[@]}")
	proof+=(/usr/bin/mbsync /usr/bin/vdirsyncer)
fi

missing() {
	local f
	for f in "${proof[@]}"; do [[ -e "$f" ]] || echo "$f"; done
}

left_out() {
	echo "install.sh: left out: Cyrus, Dovecot and Radicale, and every test against them: $1" >&2
	exit 0
}

[[ -n "$(missing)" ]] || exit 0
command -v apt-get >/dev/null || left_out "this system has no apt-get; the servers are installed from Debian's packages only."
[[ "$(id -u)" == 0 ]] || left_out "installing packages needs root. Run: sudo test/servers/install.sh"

# Packages would start their daemons; a policy-rc.d that refuses keeps them quiet.
# https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
policy=/usr/sbin/policy-rc.d
work="$(mktemp -d)"
made_policy=
cleanup() {
	[[ -z "$made_policy" ]] || rm -f "$policy"
	rm -rf "$work"
}
trap cleanup EXIT
if [[ ! -e "$policy" ]]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	made_policy=yes
fi

export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
install_packages() { "${apt[@]}" install --no-install-recommends "${packages[@]}" </dev/null; }
# The lists may be old or absent on a bare machine, so a failure is tried once more after an update.
install_packages >"$work/log" 2>&1 || {
	"${apt[@]}" update >>"$work/log" 2>&1 || true
	install_packages >>"$work/log" 2>&1
} || {
	tail -n 20 "$work/log" >&2
	echo "install.sh: apt-get could not install the servers (above: its last lines)." >&2
	exit 1
}

# cyrus-imapd conflicts with dovecot-imapd, but only by its name: the whole package is three programs, none of which
# Dovecot has. So it is unpacked beside it.
if [[ ! -e /usr/lib/cyrus/bin/imapd ]]; then
	chmod 755 "$work" # apt downloads as user _apt
	chown _apt "$work" 2>/dev/null || true
	(cd "$work" && "${apt[@]}" download cyrus-imapd) >>"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		echo "install.sh: apt-get could not download cyrus-imapd (above: its last lines)." >&2
		exit 1
	}
	dpkg -x "$work"/cyrus-imapd_*.deb /
fi

still="$(missing)"
if [[ -n "$still" ]]; then
	echo "install.sh: the packages are installed, but these programs are still not there:" $still >&2
	exit 1
fi
echo "install.sh: Cyrus, Dovecot and Radicale are installed."
