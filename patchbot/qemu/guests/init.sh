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
crash=
# Through the kernel's own log: its messages never stand in the middle of a line of ours.
say() { printf '%.900s\n' "$MARK $*" >/dev/kmsg; }
# result <good: 0 or not> <name> [<why>]
result() {
	count=$((count + 1))
	word=ok
	[ "$1" = 0 ] || word='not ok'
	say "$word $count - $2${3:+ # $3}"
}
# results <program> [<argument>...]: each line that it writes is a result, "<0 or not>|<name>|<why>";
# $under, where it is set, stands before the names
results() {
	"$@" >/tmp/results 2>/tmp/errors
	status=$?
	while IFS='|' read -r bad name why; do result "$bad" "${under:+$under: }$name" "$why"; done </tmp/results
	[ $status = 0 ] || result 1 "${under:+$under: }$1" "it ended with status $status: $(tail -n 1 /tmp/errors)"
}
# compare <wanted> <file>: sets $differs to the first byte that is not as wanted, empty where all are
compare() {
	differs=$(cmp -l "$1" "$2" 2>&1 | head -n 1)
	case $differs in
	[\ 0-9]*) differs=$(echo "$differs" | awk '{ print "byte " $1 - 1 ": must be 0" $2 ", is 0" $3 }') ;;
	esac
	[ -z "$differs" ]
}
# skip <name> <why>: what can't be tried here
skip() { result 0 "$1" "SKIP $2"; }
# pin <mask of processors> <pattern>: every thread of that name, as far as the kernel lets it
pin() {
	for each in /proc/[0-9]*; do
		read -r name <"$each/comm" || continue
		# shellcheck disable=SC2254 # it is a pattern
		case $name in
		$2) taskset -p "$1" "${each#/proc/}" >/dev/null 2>&1 ;;
		esac
	done
}
# pin_held <patterns>: threads of the first to the second processor, of the second to the third, ...
pin_held() {
	set -f
	# shellcheck disable=SC2086 # these are words
	set -- $1
	set +f
	mask=1
	for held; do
		mask=$((mask * 2))
		pin "$(printf %x $mask)" "$held"
	done
}
# alone <patterns>: a processor for threads of each, as pin_held says, the first for all others
alone() {
	echo 1 >/sys/devices/virtual/workqueue/cpumask 2>/dev/null
	pin 1 '*'
	pin_held "$1"
}
# processor_of <name>: where threads of this name are held by $HOLD; 0 where they are not
processor_of() {
	number=0
	name=$1
	set -f
	# shellcheck disable=SC2086 # these are words
	set -- $HOLD
	set +f
	for held; do
		number=$((number + 1))
		# shellcheck disable=SC2254 # it is a pattern
		case $name in
		$held) echo $number && return ;;
		esac
	done
	echo 0
}
# cut_power: end without writing anything back, once the results are told
cut_power() { crash=yes; }
# The scenario's settings, as the data file gives them.
set -a
. /environment
set +a
# For a window of the command line's: what it names is pinned whenever it appears.
if [ "$PIN" ]; then
	alone "$PIN"
	(while :; do pin_held "$PIN"; sleep 0.2; done) &
fi
say KTAP version 1
. /scenario.sh
say "1..$count"
say "end $count"
if [ "$crash" ]; then
	echo b >/proc/sysrq-trigger
	sleep 60
fi
sync
reboot -f
