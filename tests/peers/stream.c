// Bare C: random pages of one process go over a socket into fresh transparent huge pages of another, with headers of 8 bytes between
// them, by writev and readv of 2 MiB. Prints seconds. Usage: stream MIB unix|tcp
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 512 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static uint8_t *memory(size_t length)
{
    size_t huge = 2 << 20;
    uint8_t *p = mmap(NULL, length + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    p = (uint8_t *)(((uintptr_t)p + huge - 1) & ~(huge - 1));
    madvise(p, length, MADV_HUGEPAGE);
    return p;
}

static void move(int fd, uint8_t *base, size_t length, int is_write)
{
    static uint64_t headers[PAGES];
    struct iovec all[2 * PAGES];
    for (size_t at = 0; at < length; at += (size_t)PAGE * PAGES) {
        for (int i = 0; i < PAGES; i++) {
            all[2 * i] = (struct iovec){ &headers[i], 8 };
            all[2 * i + 1] = (struct iovec){ base + at + (size_t)PAGE * i, PAGE };
        }
        struct iovec *next = all;
        int left = 2 * PAGES;
        while (left) {
            ssize_t done = is_write ? writev(fd, next, left) : readv(fd, next, left);
            if (done < 0 && errno == EINTR)
                continue;
            if (done <= 0) {
                perror("stream");
                exit(1);
            }
            while (left && (size_t)done >= next->iov_len) {
                done -= (ssize_t)next->iov_len;
                next++;
                left--;
            }
            if (left) {
                next->iov_base = (uint8_t *)next->iov_base + done;
                next->iov_len -= (size_t)done;
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    size_t length = strtoul(argv[1], NULL, 10) << 20;
    int fd[2];
    if (!strcmp(argv[2], "tcp")) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof address;
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        fd[0] = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1) || getsockname(listener, (struct sockaddr *)&address, &size)
            || connect(fd[0], (struct sockaddr *)&address, size) || (fd[1] = accept(listener, NULL, NULL)) < 0)
            return 1;
    } else if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd)) {
        return 1;
    }
    uint8_t *source = memory(length);
    uint64_t x = 88172645463325252ULL;
    for (size_t i = 0; i < length / 8; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        ((uint64_t *)source)[i] = x;
    }

    // What the receiver is about to take was in use a moment ago: memory that a host has to give first costs several times as much.
    size_t warm = length + (512 << 20);
    uint8_t *used = memory(warm);
    memset(used, 1, warm);
    munmap(used, warm);
    double start = now();
    pid_t child = fork();
    if (!child) {
        move(fd[1], memory(length), length, 0);
        char done = 1;
        _exit(write(fd[1], &done, 1) != 1);
    }
    move(fd[0], source, length, 1);
    char done;
    if (read(fd[0], &done, 1) != 1)
        return 1;
    printf("%.4f\n", now() - start);
    waitpid(child, NULL, 0);
    return 0;
}
