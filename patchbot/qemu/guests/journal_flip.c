/*
 * Changes a file's journalling flag while it has dirty pages, and while others change it.
 *
 * journal_flip FOLDER SECONDS WAY...: each way is one of those in `ways`. Each line on stdout is a
 * result, "<0 or 1>|<name>|<why>"; what each file must hold at the end goes to /tmp. The exit
 * status is 2 where nothing could be tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 16
#define BYTES (PAGES * PAGE)
/* Behind the pages that are compared: holes, which stores fill and flips punch again. */
#define HOLES 256
#define WHOLE (BYTES + HOLES * PAGE)
#define WRITERS 4
#define COMMITS 4

struct file {
	const char *name;
	int fd;
	unsigned char *map;
	/* Shared with the processes that change the file. */
	unsigned char *wanted;
};

static double seconds;
/* Shared: set where the processes shall end, and how often one has stored. */
static volatile bool *over;
static volatile unsigned int *stores;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	if (over)
		*over = true;
	exit(2);
}

static void make_file(struct file *file, const char *folder, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file->name = name;
	file->fd = open(path, O_RDWR | O_CREAT, 0600);
	file->wanted = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (file->fd < 0 || file->wanted == MAP_FAILED || ftruncate(file->fd, WHOLE))
		fail(path);
	file->map = mmap(NULL, WHOLE, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->map == MAP_FAILED)
		fail("mmap");
}

static void change(struct file *file, bool journal)
{
	int flags;

	if (ioctl(file->fd, FS_IOC_GETFLAGS, &flags))
		fail("FS_IOC_GETFLAGS");
	flags = journal ? flags | FS_JOURNAL_DATA_FL : flags & ~FS_JOURNAL_DATA_FL;
	if (ioctl(file->fd, FS_IOC_SETFLAGS, &flags))
		fail("FS_IOC_SETFLAGS");
}

static void write_page(struct file *file, int page, unsigned char value)
{
	unsigned char *wanted = file->wanted + page * PAGE;

	memset(wanted, value, PAGE);
	if (pwrite(file->fd, wanted, PAGE, page * PAGE) != PAGE)
		fail("pwrite");
}

static void store_page(struct file *file, int page, unsigned char value)
{
	memset(file->wanted + page * PAGE, value, PAGE);
	memset(file->map + page * PAGE, value, PAGE);
}

static void synchronise(struct file *file)
{
	if (fsync(file->fd))
		fail("fsync");
}

/*
 * Compares what read(2) gives, and keeps what the file must hold: in /tmp/synchronised where it
 * must be on the disk from now on, else in /tmp/stored.
 */
static void finish(struct file *file, bool synchronised)
{
	const char *folder = synchronised ? "/tmp/synchronised" : "/tmp/stored";
	unsigned char seen[PAGE];
	char path[160], why[160] = "";
	int kept;

	if (ftruncate(file->fd, BYTES))
		fail("ftruncate");
	if (synchronised)
		synchronise(file);
	for (int at = 0; at < BYTES && !*why; at++) {
		if (at % PAGE == 0 && pread(file->fd, seen, PAGE, at) != PAGE)
			fail("pread");
		if (seen[at % PAGE] != file->wanted[at])
			snprintf(why, sizeof(why), "page %d, byte %d: 0x%02x, must be 0x%02x",
				 at / PAGE, at % PAGE, seen[at % PAGE], file->wanted[at]);
	}
	printf("%d|%s|%s\n", *why != 0, file->name, why);
	mkdir(folder, 0700);
	snprintf(path, sizeof(path), "%s/%s", folder, file->name);
	kept = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (kept < 0 || write(kept, file->wanted, BYTES) != BYTES)
		fail(path);
	close(kept);
}

/* Dirty pages, new ones and such as were on the disk before, when journalling begins. */
static void dirty(struct file *file, void (*put)(struct file *, int, unsigned char))
{
	for (int page = 0; page < PAGES / 2; page++)
		put(file, page, 'a');
	synchronise(file);
	for (int page = PAGES / 4; page < PAGES; page++)
		put(file, page, 'b');
	change(file, true);
}

static void written(struct file *file)
{
	dirty(file, write_page);
}

static void stored(struct file *file)
{
	dirty(file, store_page);
}

/* Journalled, and then written where it belongs: the journal must not bring the old data back. */
static void ordered_again(struct file *file)
{
	change(file, true);
	for (int page = 0; page < PAGES; page++)
		write_page(file, page, 'c');
	synchronise(file);
	change(file, false);
	for (int page = 0; page < PAGES; page++)
		write_page(file, page, 'd');
}

static void pair(struct file *file, void (*put)(struct file *, int, unsigned char))
{
	for (int turn = 0; turn < 4; turn++) {
		change(file, turn % 2 == 0);
		for (int page = 0; page < PAGES; page++)
			put(file, page, 'e' + turn + page);
	}
}

static void written_between(struct file *file)
{
	pair(file, write_page);
}

static void stored_between(struct file *file)
{
	pair(file, store_page);
}

static void change_on(struct file *file, int number, int how)
{
	for (unsigned int turn = 0; !*over; turn++) {
		unsigned int next = turn * WRITERS + number, page = next % PAGES;

		if (how == 't' && ftruncate(file->fd, WHOLE + turn % 3 * 1000))
			fail("ftruncate");
		if (how == 's') {
			store_page(file, page, turn);
			file->map[BYTES + next % HOLES * PAGE] = turn;
			continue;
		}
		write_page(file, page, turn);
	}
	exit(0);
}

/* Flips while others change the file, each of them other pages; `how` has a letter for each. */
static void race(struct file *file, const char *how)
{
	pid_t others[WRITERS];
	double end = now() + seconds;
	int times = 0, status;

	*over = false;
	for (int number = 0; number < WRITERS; number++) {
		others[number] = fork();
		if (others[number] < 0)
			fail("fork");
		if (!others[number])
			change_on(file, number, how[number]);
	}
	for (; now() < end; times++) {
		change(file, times % 2 == 0);
		if (fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BYTES,
			      HOLES * PAGE))
			fail("fallocate");
	}
	*over = true;
	for (int number = 0; number < WRITERS; number++) {
		waitpid(others[number], &status, 0);
		if (status)
			printf("1|%s|process %d ended with status %#x\n", file->name, number,
			       status);
	}
	printf("0|%s, flips|%d\n", file->name, times);
}

static void while_written(struct file *file)
{
	race(file, "wwww");
}

static void while_truncated(struct file *file)
{
	race(file, "twww");
}

static void while_stored(struct file *file)
{
	race(file, "ssss");
}

static void while_mixed(struct file *file)
{
	race(file, "sstw");
}

/* Tells where each page is, for who reads of a block in the kernel's messages. */
static void tell_blocks(struct file *file)
{
	for (int page = 0; page < PAGES; page++)
		write_page(file, page, 0);
	synchronise(file);
	printf("0|%s, blocks of its pages|", file->name);
	for (int page = 0, block; page < PAGES; page++) {
		block = page;
		printf("%d ", ioctl(file->fd, FIBMAP, &block) ? -1 : block);
	}
	printf("\n");
}

static void store_on(struct file *file)
{
	for (unsigned int turn = 0; !*over; turn = ++*stores) {
		int at = turn % PAGES * PAGE + PAGE / 2 + turn / PAGES % (PAGE / 2);

		((volatile unsigned char *)file->map)[at] = ++file->wanted[at];
	}
	exit(0);
}

/* A byte of each page, in a transaction that the other file's synchronisation commits. */
static void commit(struct file *file, int other, unsigned char value)
{
	for (int at = 0; at < BYTES; at += PAGE) {
		file->wanted[at] = value;
		if (pwrite(file->fd, file->wanted + at, 1, at) != 1)
			fail("pwrite");
	}
	if (ftruncate(other, value % 2) || fsync(other))
		fail("fsync");
}

/*
 * Stores go on while journalling begins, and while pages of the file are committed. The commits are
 * those of another file: to synchronise this one would protect its pages first.
 */
static void while_committed(struct file *file)
{
	int other = open("/mnt/other", O_RDWR | O_CREAT, 0600);
	int status = 0;
	pid_t storer;

	if (other < 0)
		fail("open");
	tell_blocks(file);
	*over = false;
	storer = fork();
	if (storer < 0)
		fail("fork");
	if (!storer)
		store_on(file);
	for (double end = now() + seconds; now() < end;) {
		unsigned int first = *stores;

		while (*stores - first < 4 * PAGES && !waitpid(storer, NULL, WNOHANG))
			usleep(1000);
		change(file, true);
		for (int turn = 0; turn < COMMITS; turn++)
			commit(file, other, turn);
		if (now() + seconds / 4 < end)
			change(file, false);
	}
	*over = true;
	if (waitpid(storer, &status, 0) < 0 || status)
		printf("1|%s|who stores ended with status %#x\n", file->name, status);
}

static const struct {
	const char *name;
	void (*run)(struct file *file);
} ways[] = {
	{ "written", written },
	{ "stored", stored },
	{ "ordered-again", ordered_again },
	{ "written-between", written_between },
	{ "stored-between", stored_between },
	{ "while-written", while_written },
	{ "while-truncated", while_truncated },
	{ "while-committed", while_committed },
	{ "while-stored", while_stored },
	{ "while-mixed", while_mixed },
};

int main(int argc, char **argv)
{
	setbuf(stdout, NULL);
	if (argc < 4)
		return 2;
	seconds = atof(argv[2]);
	over = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (over == MAP_FAILED)
		fail("mmap");
	stores = (volatile unsigned int *)(over + sizeof(*stores));
	for (int word = 3; word < argc; word++) {
		for (size_t way = 0; way < sizeof(ways) / sizeof(*ways); way++) {
			struct file file;

			if (strcmp(argv[word], ways[way].name))
				continue;
			make_file(&file, argv[1], ways[way].name);
			ways[way].run(&file);
			finish(&file, ways[way].run != while_committed);
		}
	}
	return 0;
}
