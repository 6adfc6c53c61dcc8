#include "metadata/buffer_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

SegmentDescriptor memory(const std::vector<MemoryBuffer>& buffers) {
    SegmentDescriptor descriptor;
    descriptor.protocols = {"rdma"};
    descriptor.buffers = buffers;
    return descriptor;
}

MemoryBuffer range(std::uint64_t addr, std::uint64_t length, const std::string& name = "cpu:0") {
    return {.name = name, .addr = addr, .length = length, .rkey = {}, .lkey = {}, .protocol = {}};
}

TEST(BufferProblems, NeighboursAndOtherLocationsAreFine) {
    EXPECT_THAT(bufferProblems(memory({})), IsEmpty());
    EXPECT_THAT(bufferProblems(memory({range(100, 10), range(110, 10), range(90, 10)})), IsEmpty());
    EXPECT_THAT(bufferProblems(memory({range(100, 10, "cuda:0"), range(100, 10, "cuda:1")})), IsEmpty());
    auto twice = memory({range(100, 10), range(100, 10)});
    twice.protocols = {"rdma", "tcp"};
    twice.tcp_data_port = 1;
    twice.buffers[0].protocol = "rdma";
    twice.buffers[1].protocol = "tcp";
    EXPECT_THAT(bufferProblems(twice), IsEmpty());
    auto pool = memory({range(0, 10), range(0, 10)});
    pool.protocols = {"cxl"};
    EXPECT_THAT(bufferProblems(pool), IsEmpty());
}

TEST(BufferProblems, FindsOverlapsInAnyOrder) {
    EXPECT_THAT(bufferProblems(memory({range(105, 10), range(100, 6)})),
                ElementsAre("buffers[1] and buffers[0] overlap: 0x64+6 and 0x69+10"));
    EXPECT_THAT(bufferProblems(memory({range(100, 10), range(100, 10)})), SizeIs(1));
    // One inside of another, and one behind both.
    EXPECT_THAT(bufferProblems(memory({range(100, 100), range(110, 10), range(150, 10), range(200, 1)})),
                ElementsAre("buffers[0] and buffers[1] overlap: 0x64+100 and 0x6e+10",
                            "buffers[0] and buffers[2] overlap: 0x64+100 and 0x96+10"));
}

TEST(BufferProblems, ThousandsOfOverlapsAreShort) {
    const auto problems = bufferProblems(memory(std::vector<MemoryBuffer>(5000, range(100, 10))));
    ASSERT_THAT(problems, SizeIs(11));
    EXPECT_EQ(problems.back(), "and 4989 buffers more overlap");
}

TEST(BufferProblems, FilesWithoutBytesOrName) {
    SegmentDescriptor files;
    files.protocols = {"nvmeof"};
    files.legacy_files = {{.file_path = "/f", .length = 1, .local_path_map = {}},
                          {.file_path = "", .length = 0, .local_path_map = {}}};
    EXPECT_THAT(bufferProblems(files), SizeIs(2));
    SegmentDescriptor namespaces;
    namespaces.protocols = {"nvmeof_generic"};
    namespaces.file_buffers = {{.id = 1, .path = "/f", .size = 0}};
    EXPECT_THAT(bufferProblems(namespaces), ElementsAre("file_buffers[0], /f, has no bytes"));
}

}  // namespace
}  // namespace mc::metadata
