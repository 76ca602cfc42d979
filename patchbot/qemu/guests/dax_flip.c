/*
 * Changes a file's journalling and DAX flags while it is open and mapped, and looks whether what is
 * stored through the mapping and what read(2) gives stay one.
 *
 * dax_flip FOLDER always|inode: how the file system is mounted. Each line on stdout is a result,
 * "<0 or 1>|<name>|<why>"; what each file must hold at the end goes to /tmp/wanted. The exit
 * status is 2 where nothing could be tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 8
#define FLIPS 50
/* The page that another process stores to; its content is not looked at. */
#define OTHER (PAGES - 1)
/*
 * In use with DAX: the second is what the kernels before "uapi: fix statx attribute value overlap
 * for DAX & MOUNT_ROOT" (v5.10) say. No file here is the root of a mount.
 */
#define IN_USE (0x00200000 | 0x00002000)
#ifndef FS_DAX_FL
#define FS_DAX_FL 0x02000000
#endif

/* An open file, its mapping, and what it must hold. */
struct file {
	const char *name;
	char path[128];
	int fd;
	unsigned char *map;
	unsigned char wanted[PAGES * PAGE];
	unsigned char turn;
};

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static void open_file(struct file *file)
{
	file->fd = open(file->path, O_RDWR | O_CREAT, 0600);
	if (file->fd < 0)
		fail(file->path);
}

static void map_file(struct file *file)
{
	file->map = mmap(NULL, sizeof(file->wanted), PROT_READ | PROT_WRITE, MAP_SHARED,
			 file->fd, 0);
	if (file->map == MAP_FAILED)
		fail("mmap");
}

static void unmap_file(struct file *file)
{
	munmap(file->map, sizeof(file->wanted));
	file->map = NULL;
}

static void make_file(struct file *file, const char *folder, const char *name)
{
	file->name = name;
	snprintf(file->path, sizeof(file->path), "%s/%s", folder, name);
	open_file(file);
	memset(file->wanted, 'a', sizeof(file->wanted));
	if (pwrite(file->fd, file->wanted, sizeof(file->wanted), 0) != sizeof(file->wanted))
		fail("pwrite");
	if (fsync(file->fd))
		fail("fsync");
}

static bool is_dax(struct file *file)
{
	struct statx found;

	if (syscall(SYS_statx, file->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found))
		fail("statx");
	return found.stx_attributes & IN_USE;
}

static int flags_of(struct file *file)
{
	int flags;

	if (ioctl(file->fd, FS_IOC_GETFLAGS, &flags))
		fail("FS_IOC_GETFLAGS");
	return flags;
}

/* Returns 0 or the error number. */
static int change(struct file *file, int flag, bool on)
{
	int flags = flags_of(file);

	flags = on ? flags | flag : flags & ~flag;
	return ioctl(file->fd, FS_IOC_SETFLAGS, &flags) ? errno : 0;
}

static const char *words(int error)
{
	return error ? strerror(error) : "done";
}

/* The two flags exclude each other, and so do the journal's and DAX in use. */
static bool contradicts(struct file *file, char *why, size_t room)
{
	int flags = flags_of(file);

	if (!(flags & FS_JOURNAL_DATA_FL))
		return false;
	if (is_dax(file))
		snprintf(why, room, "the file journals its data, and is in use with DAX");
	else if (flags & FS_DAX_FL)
		snprintf(why, room, "the file has both the journal's flag and DAX's");
	else
		return false;
	return true;
}

/* Stores and looks with read(2), writes with write(2) and looks through the mapping. */
static bool differs(struct file *file, char *why, size_t room)
{
	for (int page = 0; page < OTHER; page++) {
		int at = page * PAGE + (file->turn * 61 + page) % PAGE;
		unsigned char was = file->map[at], value = ++file->turn, seen = 0;
		bool stored = page % 2;

		file->wanted[at] = value;
		if (stored)
			file->map[at] = value;
		else if (pwrite(file->fd, &value, 1, at) != 1)
			fail("pwrite");
		if (!stored)
			seen = ((volatile unsigned char *)file->map)[at];
		else if (pread(file->fd, &seen, 1, at) != 1)
			fail("pread");
		if (seen == value)
			continue;
		snprintf(why, room, "page %d, byte %d: %s 0x%02x over 0x%02x, %s 0x%02x", page,
			 at % PAGE, stored ? "stored" : "written", value, was,
			 stored ? "read(2) gives" : "the mapping shows", seen);
		return true;
	}
	return false;
}

static void tell(const char *name, int error, struct file *file)
{
	char state[200] = "", data[200] = "";
	bool bad = contradicts(file, state, sizeof(state));

	if (file->map && differs(file, data, sizeof(data)))
		bad = true;
	printf("%d|%s|%s%s%s%s%s\n", bad, name, words(error), *state ? ", and " : "", state,
	       *data ? ", and " : "", data);
}

static void store_on(struct file *file)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		((volatile unsigned char *)file->map)[OTHER * PAGE + rand() % PAGE]++;
}

/* Flips a flag many times while another process stores. */
static void flip(struct file *file, const char *name, int flag)
{
	char why[200] = "";
	pid_t other = fork();
	bool bad = false;
	int error = 0, times = 0;

	if (other < 0)
		fail("fork");
	if (!other)
		store_on(file);
	for (; times < FLIPS && !bad; times++) {
		int now = change(file, flag, times % 2 == 0);

		error = times % 2 ? error : now;
		bad = contradicts(file, why, sizeof(why)) || differs(file, why, sizeof(why));
	}
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	change(file, flag, false);
	printf("%d|%s|%d times, the last: %s%s%s\n", bad, name, times, words(error),
	       *why ? ", and " : "", why);
}

/* Keeps what the file must hold for who mounts it again. */
static void finish(struct file *file)
{
	char path[160];
	int kept;

	if (pread(file->fd, file->wanted + OTHER * PAGE, PAGE, OTHER * PAGE) != PAGE)
		fail("pread");
	if (file->map)
		unmap_file(file);
	close(file->fd);
	mkdir("/tmp/wanted", 0700);
	snprintf(path, sizeof(path), "/tmp/wanted/%s", file->name);
	kept = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (kept < 0 || write(kept, file->wanted, sizeof(file->wanted)) < 0)
		fail(path);
	close(kept);
}

static struct file files[4];

static void try_always(const char *folder)
{
	struct file *file = files;

	make_file(file, folder, "always");
	if (!is_dax(file)) {
		printf("1|DAX|the file is not in use with it\n");
		exit(0);
	}
	map_file(file);
	tell("the journal's flag, mapped", change(file, FS_JOURNAL_DATA_FL, true), file);
	tell("and off again", change(file, FS_JOURNAL_DATA_FL, false), file);
	flip(file, "the journal's flag, while another stores", FS_JOURNAL_DATA_FL);
	unmap_file(file);
	tell("the journal's flag, open", change(file, FS_JOURNAL_DATA_FL, true), file);
	map_file(file);
	tell("mapped after that", 0, file);
	change(file, FS_JOURNAL_DATA_FL, false);
	finish(file);
}

static void try_inode(const char *folder)
{
	struct file *file = files, *dax = files + 1, *journal = files + 2;

	make_file(file, folder, "flipped");
	map_file(file);
	tell("DAX's flag, mapped", change(file, FS_DAX_FL, true), file);
	flip(file, "DAX's flag, while another stores", FS_DAX_FL);
	finish(file);

	make_file(journal, folder, "journal");
	change(journal, FS_JOURNAL_DATA_FL, true);
	map_file(journal);
	tell("DAX's flag on a file that journals", change(journal, FS_DAX_FL, true), journal);
	finish(journal);

	make_file(dax, folder, "dax");
	change(dax, FS_DAX_FL, true);
	close(dax->fd);
	open_file(dax);
	if (!is_dax(dax)) {
		printf("1|DAX's flag, after a close|the file is not in use with DAX\n");
		exit(0);
	}
	map_file(dax);
	tell("the journal's flag on a DAX file", change(dax, FS_JOURNAL_DATA_FL, true), dax);
	tell("DAX's flag off, mapped", change(dax, FS_DAX_FL, false), dax);
	tell("the journal's flag after that", change(dax, FS_JOURNAL_DATA_FL, true), dax);
	flip(dax, "the journal's flag, while another stores", FS_JOURNAL_DATA_FL);
	finish(dax);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	setbuf(stdout, NULL);
	if (!strcmp(argv[2], "always"))
		try_always(argv[1]);
	else
		try_inode(argv[1]);
	return 0;
}
