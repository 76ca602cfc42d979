/*
 * Store to a page of a file through a shared mapping while the host holds the commit of that page.
 *
 * The file is made and committed. Once the host says "armed" on the control line, the page is
 * written with pwrite(2), mapped, and stored to, which puts it into the running transaction and
 * leaves a writable page table entry. Then a commit is awaited or forced; the host stops its thread
 * and says "open". Now one more store is made. Another process, which shares nothing with this one
 * but a page of counters, sees whether the store under way waits in the kernel or the last one ends.
 *
 * With -e there is no pwrite(2): the first store finds a clean page, and the host may hold it in its
 * fault. It says "held" then, and the commit is forced while that store is under way.
 *
 * Four processes: what stores, what watches, what listens to the host, and what forces the commit.
 * They are forked before the file is mapped, because a child has no page table entries of a shared
 * mapping: its stores fault and wait on any kernel.
 *
 * Options: -m WORD   the word that begins each of our lines
 *          -l FILE   the control line, such as /dev/ttyS1
 *          -f FILE   the file; -s BYTES its size; -p PAGE the page's index; -o BYTE where in the page
 *          -c WORD   the cookie that is stored, at most 63 bytes
 *          -b FILE   one more file that joins the transaction before; -a FILE: one that joins after
 *          -e        the file exists, and none of its pages is in memory
 *          -j        sets the journal flag on the files while they are empty
 *          -k FILE   force commits by fsync(2) on this file; else the journal's timer must do it
 *          -n NUMBER the processor of what stores; 0, as that of all others
 *          -w MS     for how long a store must wait to count as waiting; 500
 *          -t SECONDS  the longest wait for the control line; 60
 *
 * Lines, after "WORD window ": "ready" (arm now), "joined", "storing", then one of "waits in NAME"
 * (the kernel function), "ended after N us", "unclear: ..."; after release "stored after N ms",
 * "read back: good" or "read back: ...", "done". Anything that can't be done is "failed: ..." and
 * exit status 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORD = 64, LINE = 256 };

/* What the processes share: written by one, polled by another. */
struct shared {
	volatile int armed, held, open;
	volatile int joined, storing, stored, told, synced;
	volatile long took_us;
};

static const char *mark = "mark", *control_file, *data_file, *cookie = "cookie";
static const char *before_file, *after_file, *sync_file;
static unsigned long size = PAGE, page_index, offset, patience_ms = 500, control_s = 60;
static unsigned long processor;
static int journal_flag, exists, control = -1, sync_fd = -1;
static struct shared *shared;

static void say(const char *form, ...)
{
	char line[LINE];
	int used = snprintf(line, sizeof(line), "%s window ", mark);
	va_list words;

	va_start(words, form);
	used += vsnprintf(line + used, sizeof(line) - used - 1, form, words);
	va_end(words);
	if (used > LINE - 2)
		used = LINE - 2;
	line[used++] = '\n';
	if (write(STDOUT_FILENO, line, used) != used)
		_exit(1);
}

static void die(const char *what)
{
	say("failed: %s: %s", what, strerror(errno));
	exit(1);
}

static long now_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000L + at.tv_nsec / 1000;
}

/* Sleep for a moment; ends with a child that could not do its part. */
static void nap(void)
{
	int status;

	usleep(2000);
	if (waitpid(-1, &status, WNOHANG) > 0 && status)
		exit(1);
}

static void pin(unsigned long number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("pinning to a processor");
}

/* The line is opened before anything is said: what comes earlier is lost. */
static void open_control(void)
{
	struct termios how;

	control = open(control_file, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (control < 0)
		die(control_file);
	if (tcgetattr(control, &how))
		return;
	cfmakeraw(&how);
	how.c_cc[VMIN] = 1;
	if (tcsetattr(control, TCSANOW, &how))
		die("the control line");
}

/* Note a line of the host's. */
static void hear(const char *line)
{
	if (!strcmp(line, "armed"))
		shared->armed = 1;
	else if (!strcmp(line, "held"))
		shared->held = 1;
	else if (!strcmp(line, "open"))
		shared->open = 1;
}

/* In a child: what the host says, for all. */
static void listen_to_host(pid_t storer)
{
	static char line[LINE];
	size_t used = 0;

	(void)storer;
	while (!shared->open) {
		struct pollfd ready = { .fd = control, .events = POLLIN };
		char byte;

		if (poll(&ready, 1, 100) <= 0)
			continue;
		if (read(control, &byte, 1) != 1)
			die("reading the control line");
		if (byte == '\r' || byte == '\n') {
			line[used] = 0;
			used = 0;
			hear(line);
		} else if (used < sizeof(line) - 1) {
			line[used++] = byte;
		}
	}
}

static void await(volatile int *word, const char *name)
{
	long end = now_us() + control_s * 1000000L;

	while (!*word && now_us() < end)
		nap();
	errno = ETIMEDOUT;
	if (!*word)
		die(name);
}

static void set_journal_flag(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		die("FS_IOC_GETFLAGS");
	flags |= FS_JOURNAL_DATA_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		die("FS_IOC_SETFLAGS");
}

/* Make a file of `size` bytes, and have it on disk. */
static int make(const char *name)
{
	static char block[PAGE];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		die(name);
	if (journal_flag)
		set_journal_flag(fd);
	memset(block, 'a', sizeof(block));
	for (unsigned long at = 0; at < size; at += PAGE) {
		size_t length = size - at < PAGE ? size - at : PAGE;

		if (pwrite(fd, block, length, at) != (ssize_t)length)
			die("filling the file");
	}
	if (fsync(fd))
		die("fsync");
	return fd;
}

/* Open a file that was made before; its size must be as said. */
static int find(const char *name)
{
	struct stat is;
	int fd = open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &is))
		die(name);
	errno = EINVAL;
	if ((unsigned long)is.st_size != size)
		die("the size of the file");
	return fd;
}

/* Put the page into the running transaction, by write and by fault; returns the mapped page. */
static volatile char *join(int fd, int write_first)
{
	static char block[PAGE];
	unsigned long at = page_index * PAGE;
	size_t length = size - at < PAGE ? size - at : PAGE;
	volatile char *page;

	memset(block, 'b', sizeof(block));
	if (write_first && pwrite(fd, block, length, at) != (ssize_t)length)
		die("pwrite");
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
	if (page == MAP_FAILED)
		die("mmap");
	page[offset] = 'c';
	return page;
}

/* In a child: a commit once the page has joined or is held at that, and one after the store. */
static void force_commits(pid_t storer)
{
	(void)storer;
	for (int round = 0; round < 2; round++) {
		while (round ? !shared->stored : !shared->joined && !shared->held)
			nap();
		if (pwrite(sync_fd, "k", 1, 0) != 1 || fsync(sync_fd))
			die("forcing a commit");
	}
	shared->synced = 1;
}

static char state_of(pid_t pid)
{
	char name[64], text[512], *end;
	int fd, got;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	fd = open(name, O_RDONLY);
	got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return '?';
	text[got] = 0;
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : '?';
}

static void place_of(pid_t pid, char *place, size_t room)
{
	char name[64];
	int fd, got;

	snprintf(name, sizeof(name), "/proc/%d/wchan", pid);
	fd = open(name, O_RDONLY);
	got = fd < 0 ? -1 : read(fd, place, room - 1);
	close(fd);
	place[got > 0 ? got : 0] = 0;
}

/* In a child: say what becomes of the store, by this guest's own clock. */
static void watch(pid_t storer)
{
	char place[WORD];
	long start;

	while (!shared->open)
		nap();
	start = now_us();
	while (!shared->stored && now_us() - start < (long)patience_ms * 1000)
		nap();
	place_of(storer, place, sizeof(place));
	if (shared->stored)
		say("ended after %ld us", shared->took_us);
	else if (state_of(storer) == 'D')
		say("waits in %s", place);
	else
		say("unclear: no end after %lu ms, state %c", patience_ms, state_of(storer));
	shared->told = 1;
}

static void start(void (*work)(pid_t), pid_t storer)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(storer);
	_exit(0);
}

static void read_back(int fd)
{
	char text[WORD] = "";
	size_t length = strlen(cookie);

	if (pread(fd, text, length, page_index * PAGE + offset) != (ssize_t)length)
		die("pread");
	if (memcmp(text, cookie, length))
		say("read back: %.63s instead of %s", text, cookie);
	else
		say("read back: good");
}

static void store(volatile char *page)
{
	long begun;

	say("storing");
	shared->storing = 1;
	begun = now_us();
	for (size_t i = 0; cookie[i]; i++)
		page[offset + i] = cookie[i];
	shared->took_us = now_us() - begun;
	shared->stored = 1;
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (!*text || *end) {
		errno = EINVAL;
		die(text);
	}
	return value;
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "m:l:f:s:p:o:c:b:a:ejk:n:w:t:")) != -1) {
		switch (option) {
		case 'm': mark = optarg; break;
		case 'l': control_file = optarg; break;
		case 'f': data_file = optarg; break;
		case 's': size = number(optarg); break;
		case 'p': page_index = number(optarg); break;
		case 'o': offset = number(optarg); break;
		case 'c': cookie = optarg; break;
		case 'b': before_file = optarg; break;
		case 'a': after_file = optarg; break;
		case 'e': exists = 1; break;
		case 'j': journal_flag = 1; break;
		case 'k': sync_file = optarg; break;
		case 'n': processor = number(optarg); break;
		case 'w': patience_ms = number(optarg); break;
		case 't': control_s = number(optarg); break;
		default: errno = EINVAL; die("an option");
		}
	}
	errno = EINVAL;
	if (!control_file || !data_file || optind != argc)
		die("-l and -f are needed");
	if (!*cookie || strlen(cookie) >= WORD || offset + strlen(cookie) > PAGE ||
	    page_index * PAGE + offset + strlen(cookie) > size)
		die("the cookie does not fit there");
}

int main(int argc, char **argv)
{
	int fd, before = -1, after = -1;
	volatile char *page;

	read_options(argc, argv);
	pin(0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	open_control();
	/* All that commits comes before "ready": the host waits for one commit alone. */
	fd = exists ? find(data_file) : make(data_file);
	if (before_file)
		before = make(before_file);
	if (after_file)
		after = make(after_file);
	if (sync_file)
		sync_fd = make(sync_file);
	if (sync_file)
		start(force_commits, getpid());
	start(watch, getpid());
	start(listen_to_host, getpid());
	pin(processor);
	say("ready");
	await(&shared->armed, "armed");
	if (before_file)
		join(before, 1);
	page = join(fd, !exists);
	if (after_file)
		join(after, 1);
	say("joined");
	shared->joined = 1;
	await(&shared->open, "open");
	store(page);
	while (!shared->told)
		nap();
	say("stored after %ld ms", shared->took_us / 1000);
	read_back(fd);
	while (sync_file && !shared->synced)
		nap();
	say("done");
	return 0;
}
