# Memory of the guest as a disk (memmap=), and files on it whose DAX and journal flags change while
# they are in use. Afterwards the files must hold what the program says.
disk=/dev/pmem0
if [ ! -b $disk ]; then
	skip dax-flip "there is no $disk"
	return
fi
dd if=/dev/vda of=$disk bs=1M conv=fsync 2>/dev/null
for dax in $MODES; do
	under=dax=$dax
	if ! mount -t ext4 -o nodelalloc,$under $disk /mnt; then
		skip $under "it can't be mounted"
		continue
	fi
	mkdir /mnt/$dax
	results dax_flip /mnt/$dax $dax
	umount /mnt
	result $? "$under: unmount"
	mount -t ext4 -o dax=never $disk /mnt
	for wanted in /tmp/wanted/*; do
		name=${wanted##*/}
		compare $wanted /mnt/$dax/$name
		result $? "$under: file $name when mounted again" "$differs"
		rm $wanted
	done
	umount /mnt
done
dd if=$disk of=/dev/vda bs=1M conv=fsync 2>/dev/null
