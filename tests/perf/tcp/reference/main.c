#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

static const char kUsage[] =
    "Usage: reference --server [--port N] [--region BYTES] [--cc NAME]\n"
    "       reference --port N --addr N [--write] [--random] [--block BYTES] [--stride BYTES] [--batch N]\n"
    "                 [--threads N] [--lanes N] [--duration SECONDS] [--region BYTES] [--cc NAME]\n"
    "The server prints {port, addr, length} when it is ready, and its CPU seconds when SIGTERM ends it.\n";

static const struct option kOptions[] = {
    {"server", no_argument, NULL, 's'},
    {"write", no_argument, NULL, 'w'},
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"addr", required_argument, NULL, 'a'},
    {"region", required_argument, NULL, 'r'},
    {"block", required_argument, NULL, 'b'},
    {"batch", required_argument, NULL, 'n'},
    {"threads", required_argument, NULL, 't'},
    {"lanes", required_argument, NULL, 'l'},
    {"duration", required_argument, NULL, 'd'},
    {"cc", required_argument, NULL, 'c'},
    {"stride", required_argument, NULL, 'i'},
    {"random", no_argument, NULL, 'm'},
    {NULL, 0, NULL, 0},
};

static _Noreturn void usage(void) {
    fputs(kUsage, stderr);
    exit(64);
}

static uint64_t number(const char* text, uint64_t least, uint64_t most) {
    char* end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
        fprintf(stderr, "reference: %s: not a number from %llu to %llu\n", text, (unsigned long long)least,
                (unsigned long long)most);
        usage();
    }
    return value;
}

static void apply(struct options* options, int option, const char* value) {
    switch (option) {
        case 's':
            options->server = true;
            break;
        case 'w':
            options->write = true;
            break;
        case 'm':
            options->random = true;
            break;
        case 'h':
            options->host = value;
            break;
        case 'p':
            options->port = (int)number(value, 0, UINT16_MAX);
            break;
        case 'a':
            options->remote_addr = number(value, 1, UINT64_MAX);
            break;
        case 'r':
            options->region_size = number(value, 1, SIZE_MAX);
            break;
        case 'b':
            options->block_size = number(value, 1, SIZE_MAX);
            break;
        case 'i':
            options->stride = number(value, 1, SIZE_MAX);
            break;
        case 'n':
            options->batch_size = (int)number(value, 1, kMaxBatch);
            break;
        case 't':
            options->threads = (int)number(value, 1, 1024);
            break;
        case 'l':
            options->lanes = (int)number(value, 1, 64);
            break;
        case 'd':
            options->seconds = (double)number(value, 1, 3600);
            break;
        case 'c':
            options->congestion = value;
            break;
        default:
            usage();
    }
}

int main(int argc, char** argv) {
    struct options options = {.host = "127.0.0.1",
                              .region_size = (size_t)1 << 30,
                              .block_size = 64 * 1024,
                              .batch_size = 128,
                              .threads = 1,
                              .lanes = 1,
                              .seconds = 2};
    int option = 0;
    while ((option = getopt_long(argc, argv, "", kOptions, NULL)) != -1)
        apply(&options, option, optarg);
    if (optind != argc) usage();
    if (options.server) {
        runServer(&options);
        return 0;
    }
    const size_t requests = (size_t)options.batch_size * (size_t)options.threads;
    if (options.port == 0 || options.remote_addr == 0) usage();
    if (options.stride == 0) options.stride = options.block_size;
    if (options.stride < options.block_size || options.stride > options.region_size / requests ||
        options.lanes > options.batch_size) {
        fprintf(stderr, "reference: batch size x threads x stride is more than the region, or lanes idle\n");
        usage();
    }
    runClient(&options);
    return 0;
}
