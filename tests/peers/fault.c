/* The least that serves missing pages: poll, read, UFFDIO_COPY on a thread of its own. Prints the median of what a touch took, in ns.
   Usage: fault PAGES */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096ul

static int uffd;
static char source[PAGE] __attribute__((aligned(4096)));

static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        struct pollfd wait = { .fd = uffd, .events = POLLIN };
        struct uffd_msg message;
        poll(&wait, 1, -1);
        if (read(uffd, &message, sizeof message) != sizeof message)
            continue;
        struct uffdio_copy copy = {
            .dst = message.arg.pagefault.address & ~(PAGE - 1), .src = (unsigned long)source, .len = PAGE,
        };
        if (ioctl(uffd, UFFDIO_COPY, &copy) != 0)
            perror("UFFDIO_COPY"), exit(1);
    }
}

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000l + time.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

int main(int count, char **arguments)
{
    long pages = count > 1 ? atol(arguments[1]) : 20000;
    long *times = malloc(pages * sizeof *times);
    struct uffdio_api api = { .api = UFFD_API };
    uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
    if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) != 0)
        return perror("userfaultfd"), 1;
    char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, pages * PAGE, MADV_NOHUGEPAGE);
    struct uffdio_register range = { .range = { (unsigned long)memory, pages * PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
    if (ioctl(uffd, UFFDIO_REGISTER, &range) != 0)
        return perror("UFFDIO_REGISTER"), 1;
    source[0] = 1;
    pthread_t thread;
    pthread_create(&thread, NULL, serve, NULL);
    for (long i = 0; i < pages; i++) {
        long from = now();
        if (*(volatile char *)(memory + i * PAGE) != 1)
            return fprintf(stderr, "page %ld is wrong\n", i), 1;
        times[i] = now() - from;
    }
    qsort(times, pages, sizeof *times, ascending);
    printf("%ld\n", times[pages / 2]);
    return 0;
}
