#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "reference.h"

void die(const char* what) {
    fprintf(stderr, "reference: %s: %s\n", what, strerror(errno));
    exit(1);
}

double now(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double cpuSeconds(void) {
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

char* mapRegion(size_t size) {
    char* region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) die("map the region");
    memset(region, 0x5a, size);
    return region;
}

void tuneSocket(int fd, const char* congestion) {
    const int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die("TCP_NODELAY");
    if (congestion && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen(congestion)) != 0)
        die("TCP_CONGESTION");
}

static struct sockaddr_in address(const struct options* options) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1) die("address");
    return address;
}

int listenOn(const struct options* options, int* port) {
    struct sockaddr_in local = address(options);
    socklen_t length = sizeof local;
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) die("SO_REUSEADDR");
    tuneSocket(fd, options->congestion);
    if (bind(fd, (struct sockaddr*)&local, length) != 0) die("bind");
    if (listen(fd, 1024) != 0) die("listen");
    if (getsockname(fd, (struct sockaddr*)&local, &length) != 0) die("getsockname");
    *port = ntohs(local.sin_port);
    return fd;
}

int connectTo(const struct options* options) {
    const struct sockaddr_in peer = address(options);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    tuneSocket(fd, options->congestion);
    if (connect(fd, (const struct sockaddr*)&peer, sizeof peer) != 0) die("connect");
    return fd;
}

// Drops the first `bytes` of what the entries describe.
static void advance(struct iovec** iov, int* count, size_t bytes) {
    while (*count > 0 && bytes >= (*iov)->iov_len) {
        bytes -= (*iov)->iov_len;
        ++*iov;
        --*count;
    }
    if (*count > 0) {
        (*iov)->iov_base = (char*)(*iov)->iov_base + bytes;
        (*iov)->iov_len -= bytes;
    }
}

static int atMost(int count) {
    return count < IOV_MAX ? count : IOV_MAX;
}

void writeFully(int fd, struct iovec* iov, int count) {
    while (count > 0) {
        const struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)atMost(count)};
        const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) die("send");
        advance(&iov, &count, (size_t)sent);
    }
}

bool readFully(int fd, struct iovec* iov, int count) {
    bool first = true;
    while (count > 0) {
        struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)atMost(count)};
        const ssize_t got = recvmsg(fd, &message, MSG_WAITALL);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) die("receive");
        if (got == 0 && first) return false;
        if (got == 0) {
            errno = ECONNRESET;
            die("receive");
        }
        first = false;
        advance(&iov, &count, (size_t)got);
    }
    return true;
}
