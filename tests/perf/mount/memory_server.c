// A FUSE server that does nothing but FUSE: one file, "file", of 1 GiB, in its own memory. What it reaches is the most
// that any can. Its argument is a directory to mount at, until it is unmounted.
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { kFile = 2, kMostData = 1 << 20 };
static const size_t kSize = (size_t)1 << 30;
static const double kForever = 3600;
static char* memory;

static struct stat describe(fuse_ino_t inode) {
    struct stat facts = {.st_ino = inode, .st_nlink = 1, .st_mode = S_IFDIR | 0755};
    if (inode == kFile) {
        facts.st_mode = S_IFREG | 0600;
        facts.st_size = (off_t)kSize;
    }
    return facts;
}

// As mc-mount does.
static void onInit(void* unused, struct fuse_conn_info* connection) {
    (void)unused;
    connection->max_write = connection->max_read = kMostData;
    connection->max_background = connection->congestion_threshold = 32;
    connection->want &= ~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_WRITEBACK_CACHE |
                                    FUSE_CAP_SPLICE_READ);
}

static void onLookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    (void)parent;
    if (strcmp(name, "file") != 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    const struct fuse_entry_param entry = {
        .ino = kFile, .attr = describe(kFile), .attr_timeout = kForever, .entry_timeout = kForever};
    fuse_reply_entry(request, &entry);
}

static void onAttributes(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file) {
    (void)file;
    const struct stat facts = describe(inode);
    fuse_reply_attr(request, &facts, kForever);
}

static void onOpen(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info* file) {
    (void)inode;
    file->direct_io = (file->flags & O_ACCMODE) == O_WRONLY;
    fuse_reply_open(request, file);
}

static void onRead(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info* file) {
    (void)inode, (void)file;
    fuse_reply_buf(request, memory + offset, (size_t)offset + size > kSize ? kSize - (size_t)offset : size);
}

static void onWrite(fuse_req_t request, fuse_ino_t inode, const char* data, size_t size, off_t offset,
                    struct fuse_file_info* file) {
    (void)inode, (void)data, (void)offset, (void)file;
    fuse_reply_write(request, size);
}

int main(int count, char** arguments) {
    memory = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (count != 2 || memory == MAP_FAILED) return 64;
    madvise(memory, kSize, MADV_HUGEPAGE);
    memset(memory, 1, kSize);
    const struct fuse_lowlevel_ops operations = {
        .init = onInit, .lookup = onLookup, .getattr = onAttributes, .open = onOpen, .read = onRead, .write = onWrite};
    char* words[] = {"memory_server", "-o", "fsname=memory_server,max_read=1048576"};
    struct fuse_args given = FUSE_ARGS_INIT(3, words);
    struct fuse_session* session = fuse_session_new(&given, &operations, sizeof operations, NULL);
    if (session == NULL || fuse_session_mount(session, arguments[1]) != 0) return 71;
    const int ended = fuse_session_loop_mt(session, NULL);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return ended == 0 ? 0 : 71;
}
