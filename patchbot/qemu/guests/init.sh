#!/bin/busybox sh
# The first process of every guest: mounts what programs need, runs the scenario, and ends.
/bin/busybox mkdir -p /proc /sys /dev /tmp /mnt
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /tmp
MARK=$(cat /mark)
export MARK
count=0
say() { echo "$MARK $*"; }
# result <good: 0 or not> <name> [<why>]
result() {
	count=$((count + 1))
	word=ok
	[ "$1" = 0 ] || word='not ok'
	say "$word $count - $2${3:+ # $3}"
}
# skip <name> <why>: what can't be tried here
skip() { result 0 "$1" "SKIP $2"; }
# The scenario's settings, as the data file gives them.
set -a
. /environment
set +a
say KTAP version 1
. /scenario.sh
say "1..$count"
say "end $count"
sync
reboot -f
