# Small files with their data in their inodes, changed through mappings and otherwise at the same
# time ($WAYS), with each of the $MOUNTS options. $LOOKS says where else they must be as they were
# when synchronised: in a copy of the disk (as after a crash), or when it is mounted again.
same() {
	case " $LOOKS " in *" $1 "*) ;; *) return ;; esac
	good=0
	bad=0
	first=
	for wanted in /tmp/wanted/*; do
		if compare $wanted /mnt/${wanted##*/}; then
			good=$((good + 1))
		else
			bad=$((bad + 1))
			first="${first:-, the first: ${wanted##*/}, $differs}"
		fi
	done
	result $bad "$under: files, $1" "$good as they must be, $bad not$first"
}
for under in $MOUNTS; do
	if ! mount -t ext4 -o $under /dev/vda /mnt; then
		result 1 "$under" "it can't be mounted"
		continue
	fi
	results inline_race /mnt $LASTS_S $WAYS
	dd if=/dev/vda of=/dev/vdb bs=1M iflag=direct conv=fsync 2>/dev/null
	umount /mnt
	result $? "$under: unmount"
	mount -t ext4 /dev/vdb /mnt
	same copy
	umount /mnt
	mount -t ext4 /dev/vda /mnt
	same mounted
	rm -f /mnt/*-*
	umount /mnt
	rm -r /tmp/wanted
done
