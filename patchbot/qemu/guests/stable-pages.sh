# A disk whose every write carries checksums (scsi_debug with DIF and DIX): a page that changes
# between its checksum and its I/O is refused. $MODE is the data mode; $CHECKS are the mount option
# and the way of changing pages, of each run; $LASTS_S is how long one takes.
disk=/dev/sda
if [ ! -b $disk ]; then
	skip stable-pages "there is no $disk"
	return
fi
if [ "$(cat /sys/class/scsi_disk/*/protection_mode)" != dix1 ]; then
	skip stable-pages "$disk takes no checksums"
	return
fi
dd if=/dev/vda of=$disk bs=1M conv=fsync 2>/dev/null
for check in $CHECKS; do
	option=${check%:*}
	how=${check#*:}
	name="data=$MODE, $option, $how"
	if ! mount -t ext4 -o data=$MODE,$option $disk /mnt; then
		result 1 "$name" "it can't be mounted"
		continue
	fi
	why=$(stable_pages /mnt/file-$option-$how $how $LASTS_S)
	bad=$?
	umount /mnt || bad=1
	result $bad "$name" "$why"
done
dd if=$disk of=/dev/vda bs=1M conv=fsync 2>/dev/null
