#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reference.h"

// The connections of one thread's batch start and end every batch together.
struct group {
    pthread_barrier_t barrier;
    double deadline;
    bool stop;
    uint64_t batches;
};

struct lane {
    const struct options* options;
    struct group* group;
    char* region;
    int thread;
    int index;
    int fd;
    pthread_t id;
};

struct batch {
    int count;
    struct header headers[kMaxBatch];
    char* local[kMaxBatch];
};

// Request i of a thread always covers the same local addresses and, unless they are random, the same remote ones; this
// is its offset in both regions.
static size_t offsetOf(const struct lane* lane, int request) {
    const struct options* options = lane->options;
    return options->stride * ((size_t)request * (size_t)options->threads + (size_t)lane->thread);
}

static void fillBatch(const struct lane* lane, struct batch* batch) {
    const struct options* options = lane->options;
    for (int i = lane->index; i < options->batch_size; i += options->lanes) {
        batch->local[batch->count] = lane->region + offsetOf(lane, i);
        batch->headers[batch->count++] = (struct header){.size = options->block_size,
                                                         .addr = options->remote_addr + offsetOf(lane, i),
                                                         .opcode = options->write ? kOpWrite : kOpRead};
    }
}

// xorshift64: what it costs is nothing to what a request does.
static uint64_t randomNumber(uint64_t* state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void scatter(const struct options* options, struct batch* batch, uint64_t* state) {
    const uint64_t blocks = options->region_size / options->block_size;
    for (int i = 0; i < batch->count; ++i)
        batch->headers[i].addr = options->remote_addr + randomNumber(state) % blocks * options->block_size;
}

static void checkStatus(const uint64_t* status, int count) {
    for (int i = 0; i < count; ++i) {
        if (status[i] == STATUS_OK) continue;
        fprintf(stderr, "reference: request rejected\n");
        exit(1);
    }
}

static void readBatch(const struct lane* lane, struct batch* batch) {
    struct iovec out = {batch->headers, (size_t)batch->count * sizeof *batch->headers};
    struct iovec in[2 * kMaxBatch];
    uint64_t status[kMaxBatch];
    for (int i = 0; i < batch->count; ++i) {
        in[2 * i] = (struct iovec){&status[i], sizeof status[i]};
        in[2 * i + 1] = (struct iovec){batch->local[i], lane->options->block_size};
    }
    writeFully(lane->fd, &out, 1);
    if (!readFully(lane->fd, in, 2 * batch->count)) die("the server has closed");
    checkStatus(status, batch->count);
}

static void writeBatch(const struct lane* lane, struct batch* batch) {
    struct iovec out[2 * kMaxBatch];
    uint64_t status[kMaxBatch];
    struct iovec in = {status, (size_t)batch->count * sizeof *status};
    for (int i = 0; i < batch->count; ++i) {
        out[2 * i] = (struct iovec){&batch->headers[i], sizeof batch->headers[i]};
        out[2 * i + 1] = (struct iovec){batch->local[i], lane->options->block_size};
    }
    writeFully(lane->fd, out, 2 * batch->count);
    if (!readFully(lane->fd, &in, 1)) die("the server has closed");
    checkStatus(status, batch->count);
}

static void* runLane(void* argument) {
    const struct lane* lane = argument;
    const struct options* options = lane->options;
    struct batch batch = {0};
    fillBatch(lane, &batch);
    uint64_t random = (uint64_t)(lane->thread * options->lanes + lane->index) + 1;
    while (true) {
        if (lane->index == 0) lane->group->stop = now() >= lane->group->deadline;
        if (options->lanes > 1) pthread_barrier_wait(&lane->group->barrier);
        if (lane->group->stop) return NULL;
        if (options->random) scatter(options, &batch, &random);
        (options->write ? writeBatch : readBatch)(lane, &batch);
        if (options->lanes > 1) pthread_barrier_wait(&lane->group->barrier);
        if (lane->index == 0) ++lane->group->batches;
    }
}

static void report(const struct options* options, uint64_t batches, double seconds, double cpu) {
    const double requests = (double)batches * options->batch_size;
    const double gigabytes = requests * (double)options->block_size / 1e9;
    printf(
        "{\"operation\": \"%s\", \"block_size\": %zu, \"batch_size\": %d, \"threads\": %d, \"connections\": %d, "
        "\"congestion\": \"%s\", \"duration_s\": %.6f, \"batches\": %llu, \"throughput_gb_per_s\": %.6f, "
        "\"requests_per_s\": %.1f, \"cpu_seconds\": %.6f}\n",
        options->write ? "write" : "read", options->block_size, options->batch_size, options->threads,
        options->threads * options->lanes, options->congestion ? options->congestion : "system", seconds,
        (unsigned long long)batches, gigabytes / seconds, requests / seconds, cpu);
}

void runClient(const struct options* options) {
    const int count = options->threads * options->lanes;
    struct lane* lanes = calloc((size_t)count, sizeof *lanes);
    struct group* groups = calloc((size_t)options->threads, sizeof *groups);
    if (!lanes || !groups) die("memory");
    char* region = mapRegion(options->region_size);
    for (int i = 0; i < count; ++i) {
        const int thread = i / options->lanes;
        lanes[i] = (struct lane){options, &groups[thread], region, thread, i % options->lanes, connectTo(options), 0};
    }
    const double cpu = cpuSeconds();
    const double start = now();
    for (int i = 0; i < options->threads; ++i) {
        groups[i].deadline = start + options->seconds;
        if (pthread_barrier_init(&groups[i].barrier, NULL, (unsigned)options->lanes) != 0) die("barrier");
    }
    for (int i = 0; i < count; ++i) {
        if (pthread_create(&lanes[i].id, NULL, runLane, &lanes[i]) != 0) die("thread");
    }
    uint64_t batches = 0;
    for (int i = 0; i < count; ++i)
        pthread_join(lanes[i].id, NULL);
    for (int i = 0; i < options->threads; ++i)
        batches += groups[i].batches;
    report(options, batches, now() - start, cpuSeconds() - cpu);
    for (int i = 0; i < count; ++i)
        close(lanes[i].fd);
    free(lanes);
    free(groups);
}
