// A plain C peer for the tcp transport: blocking sockets, one thread per connection, Mooncake's second framing
// (24-byte header, 8-byte status frame). It says what the machine gives to a program without any design.
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { kOpRead = 0x80, kOpWrite = 0x81, kMaxBatch = 512 };
#define STATUS_OK UINT64_C(0x4D43545600000000)
#define STATUS_REJECTED (STATUS_OK | 1)

// Sent as it lies in memory: the hosts that this runs on are little-endian.
struct header {
    uint64_t size;
    uint64_t addr;
    uint8_t opcode;
    uint8_t padding[7];
};
_Static_assert(sizeof(struct header) == 24, "the header has no holes of its own");

struct options {
    bool server;
    bool write;
    bool random;  // Each request at another place of the server's region.
    const char* host;
    int port;
    const char* congestion;  // NULL: the system's.
    uint64_t remote_addr;    // Client: where the server's region lies.
    size_t region_size;
    size_t block_size;
    size_t stride;  // From one request of the pattern to the next; 0: the block size.
    int batch_size;
    int threads;  // Independent batches in flight.
    int lanes;    // Connections per thread; a batch is spread over them.
    double seconds;
};

void die(const char* what);
double now(void);
double cpuSeconds(void);
// A region of which every page is there.
char* mapRegion(size_t size);

int listenOn(const struct options* options, int* port);
int connectTo(const struct options* options);
void tuneSocket(int fd, const char* congestion);

// All of `iov` or die; the entries are used up. readFully returns false if the peer closed before the first byte.
void writeFully(int fd, struct iovec* iov, int count);
bool readFully(int fd, struct iovec* iov, int count);

void runServer(const struct options* options);
void runClient(const struct options* options);

#endif
