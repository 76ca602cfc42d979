/*
 * Store to a file through shared mappings, without pause, while commits are forced.
 *
 * Several processes map the file. Each stores to random pages; now and then one drops its page
 * table entries, so that its next store faults, and the page joins the running transaction while
 * the other processes' entries stay writable. One more process forces commits: it writes a file of
 * its own and calls fsync() on that, because fsync() on the mapped file would write-protect the
 * pages first and hide what is looked for. A kernel that protects journalled pages until their I/O
 * is done makes every store wait; on any other, bytes change between checksum and disk.
 *
 * Rounds differ: in some, pages join by write(2) as well; in some, stores keep to one page. Others
 * may write parts of the file back meanwhile (-y), or make and remove files of their own whose
 * pages are holes when they are stored to (-n). What is done in which order comes from the seed
 * alone; when it is done is the kernel's affair.
 *
 * Options: -f FILE  -k FILE (the one that is synced)  -p PAGES  -t BYTES (in the last page; 0: all)
 *          -w WRITERS  -c COMMITTERS  -y SYNCERS  -n CREATORS  -m MILLISECONDS  -s SEED
 *          -d (pages join by faults alone)  -u COMMITS (go on until so many were forced, for at most
 *          PATIENCE times as long: a slow machine does as much as a fast one)
 * Prints one line: "stores N joins N writes N commits N syncs N".
 * Exits 0 unless something could not be done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MOST = 64, ROUND = 4096, BURST = 64, PATIENCE = 8 };

struct counts {
	uint64_t stores, joins, writes, commits, syncs;
};

static const char *data_file, *sync_file;
static unsigned long pages = 64, tail, writers = 3, committers = 1, syncers, creators;
static unsigned long milliseconds = 3000, seed = 1, until;
static int only_faults;

static void die(const char *what)
{
	fprintf(stderr, "mapped_writer: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* splitmix64: every process has a sequence of its own. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void fill(void)
{
	static char block[PAGE];
	int fd = open(data_file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		die(data_file);
	memset(block, 'a', sizeof(block));
	for (unsigned long i = 0; i < pages; i++) {
		size_t length = i == pages - 1 && tail ? tail : PAGE;

		if (pwrite(fd, block, length, i * PAGE) != (ssize_t)length)
			die("filling the file");
	}
	if (fsync(fd))
		die("fsync");
	close(fd);
}

/* Stores to places all over a page: with 1 KiB blocks each of its blocks changes. */
static void store(volatile unsigned char *page, size_t limit, uint64_t *state, struct counts *count)
{
	for (int i = 0; i < BURST; i++) {
		uint64_t word = draw(state);

		page[(word >> 8) % limit] = (unsigned char)word;
	}
	count->stores += BURST;
}

static size_t bytes_of(unsigned long page)
{
	return page == pages - 1 && tail ? tail : PAGE;
}

static void write_page(int fd, unsigned long page, uint64_t *state, struct counts *count)
{
	unsigned char bytes[64];
	size_t length = bytes_of(page) < sizeof(bytes) ? bytes_of(page) : sizeof(bytes);
	size_t at = draw(state) % (bytes_of(page) - length + 1);

	memset(bytes, (int)draw(state), sizeof(bytes));
	if (pwrite(fd, bytes, length, (off_t)(page * PAGE + at)) != (ssize_t)length)
		die("pwrite");
	count->writes++;
}

static unsigned char *map_file(int *descriptor)
{
	int fd = open(data_file, O_RDWR);
	unsigned char *map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd < 0 || map == MAP_FAILED)
		die("mapping the file");
	if (descriptor)
		*descriptor = fd;
	return map;
}

static void run_writer(unsigned long number, struct counts *count)
{
	uint64_t state = seed * 1000003 + number;
	int fd;
	unsigned char *map = map_file(&fd);

	setpriority(PRIO_PROCESS, 0, 19); /* a commit begins at once; the other processor stores */
	for (;;) {
		uint64_t how = draw(&state);
		int writing = !only_faults && how % 4 == 0;
		unsigned long one = how % 8 == 1 ? (how >> 8) % pages + 1 : 0;

		for (int i = 0; i < ROUND; i++) {
			unsigned long page = one ? one - 1 : draw(&state) % pages;

			if (i % 256 == 0) {
				if (madvise(map, pages * PAGE, MADV_DONTNEED))
					die("madvise");
				count->joins++;
			}
			if (writing && i % 64 == 0)
				write_page(fd, page, &state, count);
			store(map + page * PAGE, bytes_of(page), &state, count);
		}
	}
}

static void run_committer(unsigned long number, struct counts *count)
{
	char name[256];
	uint64_t state = seed * 7919 + number;
	int fd;

	snprintf(name, sizeof(name), "%s.%lu", sync_file, number);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die(name);
	for (;;) {
		uint64_t word = draw(&state);

		if (pwrite(fd, &word, sizeof(word), (off_t)(word % PAGE)) != sizeof(word))
			die("pwrite");
		if (fsync(fd))
			die("fsync");
		count->commits++;
	}
}

/* Writes back a part of the file, waits, and again: msync() write-protects what it writes. */
static void run_syncer(unsigned long number, struct counts *count)
{
	uint64_t state = seed * 104729 + number;
	unsigned char *map = map_file(NULL);

	for (;;) {
		unsigned long first = draw(&state) % pages, most = pages - first;
		unsigned long length = 1 + draw(&state) % most;
		struct timespec rest = { 0, (long)(draw(&state) % 20 * 1000000) };

		if (msync(map + first * PAGE, length * PAGE, MS_SYNC))
			die("msync");
		count->syncs++;
		nanosleep(&rest, NULL);
	}
}

/* Stores to a file of holes, and writes parts of it back: blocks are allocated by the faults. */
static void store_to_holes(int fd, uint64_t *state, struct counts *count)
{
	size_t length = pages * PAGE;
	unsigned char *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	unsigned long rounds = 1 + draw(state) % 2048;

	if (map == MAP_FAILED)
		die("mapping a new file");
	for (unsigned long i = 0; i < rounds; i++) {
		store(map + draw(state) % pages * PAGE, PAGE, state, count);
		if (draw(state) % 512 == 0 && msync(map, length, MS_SYNC))
			die("msync");
		if (draw(state) % 512 == 0)
			sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	}
	if (munmap(map, length))
		die("munmap");
}

static void run_creator(unsigned long number, struct counts *count)
{
	uint64_t state = seed * 15485863 + number;
	char name[256];

	setpriority(PRIO_PROCESS, 0, 19);
	snprintf(name, sizeof(name), "%s.new.%lu", data_file, number);
	for (;;) {
		int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || ftruncate(fd, (off_t)(pages * PAGE)))
			die(name);
		store_to_holes(fd, &state, count);
		if (close(fd) || (draw(&state) % 2 && unlink(name)))
			die("removing a file");
	}
}

static pid_t start(void (*job)(unsigned long, struct counts *), unsigned long number,
		   struct counts *count)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		job(number, count);
		_exit(1);
	}
	return child;
}

static unsigned long number_of(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value < least || value > most) {
		fprintf(stderr, "mapped_writer: %s is not from %lu to %lu\n", text, least, most);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "f:k:p:t:w:c:y:n:m:s:u:d")) != -1) {
		switch (option) {
		case 'f': data_file = optarg; break;
		case 'k': sync_file = optarg; break;
		case 'p': pages = number_of(optarg, 1, 1 << 20); break;
		case 't': tail = number_of(optarg, 0, PAGE - 1); break;
		case 'w': writers = number_of(optarg, 1, MOST); break;
		case 'c': committers = number_of(optarg, 1, MOST); break;
		case 'y': syncers = number_of(optarg, 0, MOST); break;
		case 'n': creators = number_of(optarg, 0, MOST); break;
		case 'm': milliseconds = number_of(optarg, 1, 86400000); break;
		case 's': seed = number_of(optarg, 0, ~0ul); break;
		case 'u': until = number_of(optarg, 0, 1 << 20); break;
		case 'd': only_faults = 1; break;
		default: exit(2);
		}
	}
	if (!data_file || !sync_file || optind != argc) {
		fprintf(stderr, "mapped_writer: -f and -k are needed\n");
		exit(2);
	}
}

static uint64_t commits_of(const volatile struct counts *counts, unsigned long number)
{
	uint64_t sum = 0;

	for (unsigned long i = 0; i < number; i++)
		sum += counts[i].commits;
	return sum;
}

/* Let them work for the time given; a worker that ends before that has failed. */
static int wait_all(pid_t *children, const struct counts *counts, unsigned long number)
{
	struct timespec left = { (time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000 };
	int failed = 0;

	nanosleep(&left, NULL);
	for (int i = 1; i < PATIENCE && commits_of(counts, number) < until; i++)
		nanosleep(&left, NULL);
	for (unsigned long i = 0; i < number; i++) {
		int status;

		kill(children[i], SIGKILL);
		if (waitpid(children[i], &status, 0) != children[i] || !WIFSIGNALED(status) ||
		    WTERMSIG(status) != SIGKILL)
			failed = 1;
	}
	return failed;
}

int main(int argc, char **argv)
{
	pid_t children[4 * MOST];
	unsigned long number = 0;
	struct counts *counts, sum = { 0 };
	int failed;

	parse(argc, argv);
	const struct { void (*job)(unsigned long, struct counts *); unsigned long number; } kinds[] = {
		{ run_writer, writers },
		{ run_committer, committers },
		{ run_syncer, syncers },
		{ run_creator, creators },
	};
	counts = mmap(NULL, 4 * MOST * sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		die("mmap");
	fill();
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		for (unsigned long i = 0; i < kinds[kind].number; i++, number++)
			children[number] = start(kinds[kind].job, i, &counts[number]);
	failed = wait_all(children, counts, number);
	for (unsigned long i = 0; i < number; i++) {
		sum.stores += counts[i].stores;
		sum.joins += counts[i].joins;
		sum.writes += counts[i].writes;
		sum.commits += counts[i].commits;
		sum.syncs += counts[i].syncs;
	}
	printf("stores %ju joins %ju writes %ju commits %ju syncs %ju\n", (uintmax_t)sum.stores,
	       (uintmax_t)sum.joins, (uintmax_t)sum.writes, (uintmax_t)sum.commits,
	       (uintmax_t)sum.syncs);
	return failed;
}
