# Each data mode: mount, write, read back, unmount. The host runs fsck on the disks afterwards.
for mode in ordered journal writeback; do
	case $mode in
	ordered) disk=/dev/vda ;;
	journal) disk=/dev/vdb ;;
	writeback) disk=/dev/vdc ;;
	esac
	if ! mount -t ext4 -o data=$mode $disk /mnt; then
		result 1 "data=$mode" "it can't be mounted"
		continue
	fi
	dd if=/dev/urandom of=/tmp/data bs=4096 count=256 2>/dev/null
	cp /tmp/data /mnt/data && sync
	echo 3 >/proc/sys/vm/drop_caches
	cmp -s /tmp/data /mnt/data
	same=$?
	umount /mnt
	gone=$?
	mount -t ext4 -o data=$mode $disk /mnt && cmp -s /tmp/data /mnt/data
	again=$?
	umount /mnt
	result $((same + gone + again)) "data=$mode" "read back: $same, unmount: $gone, mounted again: $again"
done
