# Processes store to a mapped file without pause while commits are forced; then the power is cut.
# MOUNT: options of mount; the others are options of mapped_writer.
if mount -t ext4 -o "$MOUNT" /dev/vda /mnt; then
	# shellcheck disable=SC2086 # EXTRA is words
	words=$(mapped_writer -f /mnt/data -k /mnt/sync -p "$PAGES" -w "$WRITERS" -y "$SYNCERS" \
		-t "$TAIL" -m "$MILLISECONDS" -s "$SEED" -u "$COMMITS" $EXTRA)
	result $? 'mapped writers' "$words"
	cut_power
else
	result 1 mount "with $MOUNT"
fi
