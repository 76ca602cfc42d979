# Memory of the guest as a disk (memmap=), and files on it whose DAX and journal flags change while
# they are in use; $MODE is how it is mounted. Afterwards the files must hold what the program says.
disk=/dev/pmem0
if [ ! -b $disk ]; then
	skip dax-flip "there is no $disk"
	return
fi
dd if=/dev/vda of=$disk bs=1M conv=fsync 2>/dev/null
if ! mount -t ext4 -o nodelalloc,dax=$MODE $disk /mnt; then
	skip dax-flip "it can't be mounted with dax=$MODE"
	return
fi
results dax_flip /mnt $MODE
umount /mnt
result $? unmount
mount -t ext4 -o dax=never $disk /mnt
for wanted in /tmp/wanted/*; do
	[ -f $wanted ] || continue
	name=${wanted##*/}
	compare $wanted /mnt/$name
	result $? "file $name when mounted again" "$differs"
done
umount /mnt
dd if=$disk of=/dev/vda bs=1M conv=fsync 2>/dev/null
