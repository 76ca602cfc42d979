# A store to a mapped page while the commit that has its checksum is held. Then the power is cut.
# MOUNT: options of mount; STORE: more options of store_in_window; HOLD: what is held.
# CLEAN: so many bytes are in the file before it is mounted, so that none of its pages is in memory.
if [ "$CLEAN" ] && mount -t ext4 -o "$MOUNT" /dev/vda /mnt; then
	head -c "$CLEAN" /dev/zero | tr '\0' a >/mnt/data
	umount /mnt
fi
if mount -t ext4 -o "$MOUNT" /dev/vda /mnt; then
	alone "$HOLD"
	# shellcheck disable=SC2086 # STORE is words
	store_in_window -m "$MARK" -l /dev/ttyS1 -f /mnt/data -k /mnt/key \
		-n "$(processor_of store_in_window)" $STORE >/dev/kmsg
	result $? 'store in the window'
	cut_power
else
	result 1 mount "with $MOUNT"
fi
