/*
 * Changes small files, whose data stand in their inodes, through a mapping and in other ways: the
 * first store has to move the data to a block.
 *
 * inline_race FOLDER SECONDS WAY...: "alone" takes one step after the other; the others are what
 * one process does while another stores. Each line on stdout is a result, "<0 or 1>|<name>|<why>";
 * what the files must hold at the end goes to /tmp/wanted. The exit status is 2 where nothing could
 * be tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define FILES 32
/* The sizes of files: in the inode's block numbers, and in its attributes as well. */
#define SMALL 50
#define LARGE 100
/* The bytes that are stored, and written: never the same. */
#define STORED 40
#define WRITTEN 20

struct file {
	int fd;
	unsigned char *map;
	size_t size;
	unsigned char wanted[PAGE];
};

static const char *folder;
static struct file files[FILES];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static void make_file(struct file *file, const char *name, size_t size)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	file->fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	file->size = size;
	memset(file->wanted, 0, PAGE);
	for (size_t at = 0; at < size; at++)
		file->wanted[at] = 'a' + at % 26;
	if (file->fd < 0 || pwrite(file->fd, file->wanted, size, 0) != (ssize_t)size)
		fail(path);
	file->map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
	if (file->map == MAP_FAILED)
		fail("mmap");
}

static void store(struct file *file, int at, unsigned char value)
{
	((volatile unsigned char *)file->map)[at] = value;
	file->wanted[at] = value;
}

static void write_at(struct file *file, int at, const char *text, int length)
{
	memcpy(file->wanted + at, text, length);
	if ((size_t)(at + length) > file->size)
		file->size = at + length;
	if (pwrite(file->fd, text, length, at) != length)
		fail("pwrite");
}

static void cut(struct file *file, int size)
{
	memset(file->wanted + size, 0, PAGE - size);
	file->size = size;
	if (ftruncate(file->fd, size))
		fail("ftruncate");
}

/* Says where read(2) or the mapping is not as it must be; false where both are. */
static bool differs(struct file *file, char *why, size_t room)
{
	unsigned char seen[PAGE] = { 0 };
	ssize_t got = pread(file->fd, seen, PAGE, 0);

	if (got != (ssize_t)file->size) {
		snprintf(why, room, "read(2) gives %zd bytes, must be %zu", got, file->size);
		return true;
	}
	for (size_t at = 0; at < file->size; at++) {
		int mapped = ((volatile unsigned char *)file->map)[at];

		if (seen[at] == file->wanted[at] && mapped == file->wanted[at])
			continue;
		snprintf(why, room, "byte %zu: read(2) gives 0x%02x, the mapping 0x%02x, must be "
			 "0x%02x", at, seen[at], mapped, file->wanted[at]);
		return true;
	}
	return false;
}

static void keep(struct file *file, const char *name)
{
	char path[160];
	int kept;

	mkdir("/tmp/wanted", 0700);
	snprintf(path, sizeof(path), "/tmp/wanted/%s", name);
	kept = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (kept < 0 || write(kept, file->wanted, file->size) != (ssize_t)file->size)
		fail(path);
	close(kept);
}

static void forget(struct file *file)
{
	munmap(file->map, PAGE);
	close(file->fd);
}

static void then_nothing(struct file *file)
{
	store(file, STORED, 'S');
}

static void then_written(struct file *file)
{
	store(file, STORED, 'S');
	write_at(file, 0, "written", 7);
}

static void grown(struct file *file)
{
	static char text[1000] = "grown";

	write_at(file, file->size, text, sizeof(text));
}

static void then_grown(struct file *file)
{
	store(file, STORED, 'S');
	grown(file);
}

static void then_cut(struct file *file)
{
	store(file, STORED, 'S');
	cut(file, STORED / 2);
	cut(file, STORED + 5);
	store(file, STORED, 'T');
}

static void grown_first(struct file *file)
{
	grown(file);
	store(file, STORED, 'S');
}

static void grown_between(struct file *file)
{
	grown(file);
	if (fsync(file->fd))
		fail("fsync");
	store(file, STORED, 'S');
}

static void synchronised_first(struct file *file)
{
	if (fsync(file->fd))
		fail("fsync");
	store(file, STORED, 'S');
}

static void read_first(struct file *file)
{
	char why[200];

	differs(file, why, sizeof(why));
	write_at(file, 0, "written", 7);
	store(file, STORED, 'S');
	write_at(file, 10, "written", 7);
}

static const struct {
	const char *name;
	void (*run)(struct file *file);
} steps[] = {
	{ "stored", then_nothing },
	{ "stored-written", then_written },
	{ "stored-grown", then_grown },
	{ "stored-cut", then_cut },
	{ "grown", grown },
	{ "grown-stored", grown_first },
	{ "grown-synchronised-stored", grown_between },
	{ "synchronised-stored", synchronised_first },
	{ "read-written-stored", read_first },
};

static void take_steps(void)
{
	for (size_t step = 0; step < 2 * sizeof(steps) / sizeof(*steps); step++) {
		char name[80], why[200] = "";
		struct file *file = files;
		int bad, size = step % 2 ? SMALL : LARGE;

		snprintf(name, sizeof(name), "%s-%d", steps[step / 2].name, size);
		make_file(file, name, size);
		steps[step / 2].run(file);
		bad = differs(file, why, sizeof(why));
		if (fsync(file->fd))
			fail("fsync");
		bad = bad || differs(file, why, sizeof(why));
		printf("%d|%s|%s\n", bad, name, why);
		keep(file, name);
		forget(file);
	}
}

static void write_small(struct file *file)
{
	if (pwrite(file->fd, "twenty bytes of text", WRITTEN, 0) != WRITTEN)
		fail("pwrite");
}

static void write_large(struct file *file)
{
	static char text[1000] = "twenty bytes of text";

	if (pwrite(file->fd, text, WRITTEN, 0) != WRITTEN ||
	    pwrite(file->fd, text, sizeof(text), file->size) != sizeof(text))
		fail("pwrite");
}

static void synchronise(struct file *file)
{
	if (fsync(file->fd))
		fail("fsync");
}

static void truncate_file(struct file *file)
{
	if (ftruncate(file->fd, STORED + 5))
		fail("ftruncate");
}

static const struct {
	const char *name;
	void (*run)(struct file *file);
} ways[] = {
	{ "written", write_small },
	{ "grown", write_large },
	{ "synchronised", synchronise },
	{ "truncated", truncate_file },
};

/* What a file must hold after a way and a store. */
static void expect(struct file *file, size_t way)
{
	file->wanted[STORED] = 'S';
	if (way < 2)
		memcpy(file->wanted, "twenty bytes of text", WRITTEN);
	if (way == 1) {
		memset(file->wanted + file->size, 0, 1000);
		memcpy(file->wanted + file->size, "twenty bytes of text", WRITTEN);
		file->size += 1000;
	}
	if (way == 3) {
		file->size = STORED + 5;
		memset(file->wanted + file->size, 0, PAGE - file->size);
	}
}

/*
 * Two processes meet at each file. Returns false where the other has gone, with its status; `other`
 * is 0 in the child.
 */
static bool meet(volatile int *arrived, pid_t other, int *status)
{
	__sync_fetch_and_add(arrived, 1);
	while (*arrived < 2) {
		if (other ? waitpid(other, status, WNOHANG) != 0 : getppid() == 1)
			return false;
		sched_yield();
	}
	return true;
}

static int race_once(size_t way, volatile int *arrived)
{
	pid_t other;
	int status = 0;

	memset((void *)arrived, 0, FILES * sizeof(*arrived));
	other = fork();
	if (other < 0)
		fail("fork");
	for (int number = 0; number < FILES; number++) {
		if (!meet(arrived + number, other, &status))
			return status;
		if (other)
			((volatile unsigned char *)files[number].map)[STORED] = 'S';
		else
			ways[way].run(files + number);
	}
	if (!other)
		exit(0);
	waitpid(other, &status, 0);
	return status;
}

static void race(size_t way, double seconds)
{
	volatile int *arrived = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double end = now() + seconds;
	char name[80], why[200] = "";
	int times = 0, bad = 0;

	if (arrived == MAP_FAILED)
		fail("mmap");
	while (now() < end && !bad) {
		for (int number = 0; number < FILES; number++) {
			snprintf(name, sizeof(name), "%s-%d", ways[way].name, number);
			make_file(files + number, name, number % 2 ? SMALL : LARGE);
		}
		bad = race_once(way, arrived);
		if (bad)
			snprintf(why, sizeof(why), "a process ended with status %#x", bad);
		for (int number = 0; number < FILES; number++) {
			struct file *file = files + number;

			snprintf(name, sizeof(name), "%s-%d", ways[way].name, number);
			expect(file, way);
			bad = bad || differs(file, why, sizeof(why));
			keep(file, name);
			forget(file);
			times++;
		}
	}
	printf("%d|stored while %s|%d times%s%s\n", bad, ways[way].name, times,
	       *why ? ", the last: " : "", why);
}

int main(int argc, char **argv)
{
	setbuf(stdout, NULL);
	if (argc < 4)
		return 2;
	folder = argv[1];
	for (int word = 3; word < argc; word++) {
		if (!strcmp(argv[word], "alone"))
			take_steps();
		for (size_t way = 0; way < sizeof(ways) / sizeof(*ways); way++)
			if (!strcmp(argv[word], ways[way].name))
				race(way, atof(argv[2]));
	}
	sync();
	return 0;
}
