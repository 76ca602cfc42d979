/*
 * Changes a file's pages while they are written to a device that compares each sector with the
 * checksum taken when the write was prepared (DIF/DIX): whoever changes a page under I/O is told.
 *
 * stable_pages FILE map|write SECONDS: the changes are stores through a mapping, or write(2). One
 * line on stdout says what the device refused; the exit status is 0 where it refused nothing, 1
 * where it did or a process ended by itself, 2 where nothing could be tried.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 32
/* Every other page: each is then a request of its own, and waits for the one before it. */
#define CHANGED (PAGES / 2)
#define SECTOR 512
#define ENOUGH 5
#define ALL (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

enum { CHANGER, COMMITTER, PROCESSES };

static unsigned long block_of[PAGES];
static int block_bytes;
static volatile unsigned long *changes;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(2);
}

/* Where each page begins on the device. */
static void find_blocks(int file)
{
	if (ioctl(file, FIGETBSZ, &block_bytes))
		fail("FIGETBSZ");
	for (int page = 0; page < PAGES; page++) {
		int block = page * (PAGE / block_bytes);

		block_of[page] = ioctl(file, FIBMAP, &block) ? 0 : block;
	}
}

static int page_of(unsigned long sector)
{
	unsigned long at = sector * SECTOR;

	for (int page = 0; page < PAGES; page++) {
		unsigned long start = block_of[page] * block_bytes;

		if (start && at >= start && at < start + PAGE)
			return page;
	}
	return -1;
}

static void store(int file)
{
	volatile unsigned char *map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
					   MAP_SHARED, file, 0);

	if (map == MAP_FAILED)
		fail("mmap");
	for (;; (*changes)++)
		map[*changes % CHANGED * 2 * PAGE + *changes / CHANGED % 8 * SECTOR]++;
}

static void write_pages(int file)
{
	unsigned char data[PAGE];

	for (;; (*changes)++) {
		memset(data, *changes, sizeof(data));
		if (pwrite(file, data, PAGE, *changes % CHANGED * 2 * PAGE) < 0 && errno != EIO)
			fail("pwrite");
	}
}

/* Keeps the journal busy with another file, so that whoever starts a handle has to wait. */
static void commit(const char *path)
{
	char other[256];
	int file;

	snprintf(other, sizeof(other), "%s.other", path);
	file = open(other, O_RDWR | O_CREAT, 0600);
	if (file < 0)
		fail("open");
	for (int turn = 0;; turn++) {
		if (ftruncate(file, turn % 2) && errno != EIO && errno != EROFS)
			fail("ftruncate");
		fsync(file);
	}
}

/* Reads new lines of the kernel, and counts those in which the device refuses a sector. */
static int read_refusals(int kernel, char *first, size_t room)
{
	char line[1024], where[40] = "none of the file, such as the journal";
	unsigned int sums[2];
	unsigned long sector;
	int count = 0;
	ssize_t got;

	while ((got = read(kernel, line, sizeof(line) - 1)) > 0 || (got < 0 && errno == EPIPE)) {
		char *at;

		line[got > 0 ? got : 0] = 0;
		at = strstr(line, "GUARD check failed");
		if (!at)
			continue;
		if (!*first && sscanf(at, "%*[^0-9]%lu rcvd 0x%x, data 0x%x", &sector, &sums[0],
				      &sums[1]) == 3) {
			if (page_of(sector) >= 0)
				sprintf(where, "page %d of the file", page_of(sector));
			snprintf(first, room, ", the first: sector %lu, %s: checksum 0x%04x, "
				 "data's 0x%04x", sector, where, sums[0], sums[1]);
		}
		count++;
	}
	return count;
}

static void start(pid_t *processes, int file, const char *path, const char *how)
{
	for (int number = 0; number < PROCESSES; number++) {
		processes[number] = fork();
		if (processes[number] < 0)
			fail("fork");
		if (processes[number])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (number == CHANGER)
			nice(10);
		if (number == COMMITTER)
			commit(path);
		else if (!strcmp(how, "map"))
			store(file);
		else
			write_pages(file);
	}
}

/* Returns how many had ended by themselves. */
static int stop(const pid_t *processes)
{
	int status, ended = 0;

	for (int number = 0; number < PROCESSES; number++) {
		kill(processes[number], SIGKILL);
		waitpid(processes[number], &status, 0);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			continue;
		printf("process %d ended by itself with status %#x; ", number, status);
		ended++;
	}
	return ended;
}

int main(int argc, char **argv)
{
	int file, kernel, refused = 0, rounds = 0, errors = 0, ended;
	unsigned char data[PAGE] = { 0 };
	pid_t processes[PROCESSES];
	char first[160] = "";
	double end;

	if (argc != 4)
		return 2;
	file = open(argv[1], O_RDWR | O_CREAT, 0600);
	kernel = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	changes = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (file < 0 || kernel < 0 || changes == MAP_FAILED)
		fail("open");
	lseek(kernel, 0, SEEK_END);
	for (int page = 0; page < PAGES; page++)
		if (pwrite(file, data, PAGE, page * PAGE) != PAGE)
			fail("pwrite");
	if (fsync(file))
		fail("fsync");
	find_blocks(file);
	start(processes, file, argv[1], argv[2]);
	end = now() + atof(argv[3]);
	while (now() < end && refused < ENOUGH && errors < ENOUGH) {
		errors += (rounds++ % 2 ? fsync(file) : sync_file_range(file, 0, 0, ALL)) != 0;
		refused += read_refusals(kernel, first, sizeof(first));
	}
	ended = stop(processes);
	errors += fsync(file) != 0;
	refused += read_refusals(kernel, first, sizeof(first));
	printf("%lu changes, %d times synchronised, %d errors, %d sectors refused%s\n", *changes,
	       rounds, errors, refused, first);
	return refused || errors || ended;
}
