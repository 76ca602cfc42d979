# The boot after the power was cut: the journal is recovered, and the disk left for fsck.
if mount -t ext4 -o "$MOUNT" /dev/vda /mnt; then
	result 0 recovery
	umount /mnt
	result $? 'unmount after recovery'
else
	result 1 recovery 'it can not be mounted'
fi
