#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference.h"

// How much is read ahead of a payload that is still awaited. Small payloads come many at once and are copied out of
// the buffer; of large ones only the next header is taken along.
enum { kReadAhead = 64 * 1024, kSmallPayload = 16 * 1024 };

struct session {
    int fd;
    const char* region;
    size_t region_size;
    char buffer[kReadAhead];
    size_t begin, end;  // What of the buffer is not used yet.
    uint64_t status[kMaxBatch];
    struct iovec answer[2 * kMaxBatch];
    int answered;  // Entries of `answer`.
    int statuses;
};

static void flush(struct session* session) {
    if (session->answered > 0) writeFully(session->fd, session->answer, session->answered);
    session->answered = 0;
    session->statuses = 0;
}

// Receives what is there, at least one byte; answers are sent only before it would have to wait.
static bool receive(struct session* session, struct iovec* iov, int count, size_t* got) {
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)count};
    ssize_t result = -1;
    if (session->answered > 0) {
        result = recvmsg(session->fd, &message, MSG_DONTWAIT);
        if (result < 0) flush(session);
    }
    if (result < 0) result = recvmsg(session->fd, &message, 0);
    *got = result > 0 ? (size_t)result : 0;
    return result > 0;
}

static void answer(struct session* session, uint64_t status, const char* payload, size_t size) {
    uint64_t* slot = &session->status[session->statuses++];
    *slot = status;
    session->answer[session->answered++] = (struct iovec){slot, sizeof *slot};
    if (size > 0) session->answer[session->answered++] = (struct iovec){(void*)(uintptr_t)payload, size};
    if (session->statuses == kMaxBatch) flush(session);
}

static size_t buffered(const struct session* session) {
    return session->end - session->begin;
}

// Reads ahead until the buffer has a whole header.
static bool fillHeader(struct session* session) {
    while (buffered(session) < sizeof(struct header)) {
        memmove(session->buffer, session->buffer + session->begin, buffered(session));
        session->end -= session->begin;
        session->begin = 0;
        struct iovec iov = {session->buffer + session->end, kReadAhead - session->end};
        size_t got = 0;
        if (!receive(session, &iov, 1, &got)) return false;
        session->end += got;
    }
    return true;
}

static bool receivePayload(struct session* session, char* to, size_t size) {
    const size_t there = buffered(session) < size ? buffered(session) : size;
    memcpy(to, session->buffer + session->begin, there);
    session->begin += there;
    const size_t ahead = size <= kSmallPayload ? kReadAhead : sizeof(struct header);
    for (size_t done = there; done < size;) {
        struct iovec iov[2] = {{to + done, size - done}, {session->buffer, ahead}};
        size_t got = 0;
        if (!receive(session, iov, 2, &got)) return false;
        const size_t payload = got < size - done ? got : size - done;
        done += payload;
        session->begin = 0;
        session->end = got - payload;
    }
    return true;
}

static bool inRegion(const struct session* session, const struct header* header) {
    const uint64_t base = (uint64_t)(uintptr_t)session->region;
    return header->size > 0 && header->addr >= base && header->size <= session->region_size &&
           header->addr - base <= session->region_size - header->size;
}

static void* serve(void* argument) {
    struct session* session = argument;
    struct header header;
    while (fillHeader(session)) {
        memcpy(&header, session->buffer + session->begin, sizeof header);
        session->begin += sizeof header;
        char* memory = (char*)(uintptr_t)header.addr;
        if (!inRegion(session, &header)) {
            answer(session, STATUS_REJECTED, NULL, 0);
            break;
        }
        if (header.opcode == kOpWrite) {
            if (session->answered > session->statuses) flush(session);  // Reads before it see what was there.
            if (!receivePayload(session, memory, header.size)) break;
            answer(session, STATUS_OK, NULL, 0);
        } else {
            answer(session, STATUS_OK, memory, header.size);
        }
    }
    flush(session);
    close(session->fd);
    free(session);
    return NULL;
}

struct listener {
    int fd;
    const struct options* options;
    const char* region;
};

static void* acceptAll(void* argument) {
    const struct listener* listener = argument;
    while (true) {
        const int fd = accept(listener->fd, NULL, NULL);
        if (fd < 0) die("accept");
        tuneSocket(fd, listener->options->congestion);
        struct session* session = calloc(1, sizeof *session);
        if (!session) die("memory");
        session->fd = fd;
        session->region = listener->region;
        session->region_size = listener->options->region_size;
        pthread_t id;
        if (pthread_create(&id, NULL, serve, session) != 0) die("thread");
        pthread_detach(id);
    }
    return NULL;
}

void runServer(const struct options* options) {
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &end, NULL);
    int port = 0;
    char* region = mapRegion(options->region_size);
    struct listener listener = {listenOn(options, &port), options, region};
    pthread_t id;
    if (pthread_create(&id, NULL, acceptAll, &listener) != 0) die("thread");
    const double cpu = cpuSeconds();
    printf("{\"port\": %d, \"addr\": %llu, \"length\": %zu}\n", port, (unsigned long long)(uintptr_t)region,
           options->region_size);
    fflush(stdout);
    int signal_number = 0;
    sigwait(&end, &signal_number);
    printf("{\"cpu_seconds\": %.6f}\n", cpuSeconds() - cpu);
    fflush(stdout);
    _exit(0);
}
