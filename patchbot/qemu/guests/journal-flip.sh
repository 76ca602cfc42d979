# A file's journal flag changes while it has dirty pages: $WAYS are what is done meanwhile, $LASTS_S
# how long one with several processes takes. What was synchronised must be there in a copy of the
# disk (as after a crash), and all when the disk is mounted again.
same() {
	for wanted in $2; do
		[ -f $wanted ] || continue
		compare $wanted /mnt/${wanted##*/}
		result $? "${wanted##*/} $1" "$differs"
	done
}
# Delayed allocation and data journalling exclude each other.
mount -t ext4 -o nodelalloc,$OPTIONS /dev/vda /mnt
results journal_flip /mnt $LASTS_S $WAYS
dd if=/dev/vda of=/dev/vdb bs=1M iflag=direct conv=fsync 2>/dev/null
umount /mnt
result $? unmount
mount -t ext4 -o nodelalloc /dev/vdb /mnt
result $? 'mounting a copy of the disk'
same 'as after a crash' '/tmp/synchronised/*'
umount /mnt
mount -t ext4 -o nodelalloc /dev/vda /mnt
same 'when mounted again' '/tmp/synchronised/* /tmp/stored/*'
umount /mnt
