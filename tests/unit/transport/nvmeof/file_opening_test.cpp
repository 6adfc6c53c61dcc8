#include "transport/nvmeof/file_opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "temporary.h"

namespace mc::nvmeof {
namespace {

using mc::test::TemporaryFile;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kPort = "4420";

NvmeofOptions by(NvmeofBackend backend) {
    NvmeofOptions options;
    options.backend = backend;
    return options;
}

NvmeTransportId at(const std::string& trtype, const std::string& trsvcid = kPort) {
    return {.trtype = trtype, .adrfam = "ipv4", .traddr = "127.0.0.1", .trsvcid = trsvcid, .subnqn = {}};
}

TEST(FileBackend, IsThisProcessUnlessOnlyTheKernelCan) {
    EXPECT_EQ(backendFor(at("tcp"), {}), NvmeofBackend::User);
    EXPECT_EQ(backendFor(at("RDMA"), {}), NvmeofBackend::Kernel);
    EXPECT_EQ(backendFor(at("tcp"), by(NvmeofBackend::Kernel)), NvmeofBackend::Kernel);
    EXPECT_EQ(backendFor(at("rdma"), by(NvmeofBackend::User)), NvmeofBackend::User);
}

TEST(FileBackend, MustHaveTheTransportAndThePort) {
    EXPECT_TRUE(checkBackend(at("TCP"), {}));
    EXPECT_TRUE(checkBackend(at("tcp", "0"), {}));
    const auto rdma = checkBackend(at("rdma"), by(NvmeofBackend::User));
    ASSERT_FALSE(rdma);
    EXPECT_EQ(rdma.error().code, ErrorCode::Unsupported);
    EXPECT_EQ(rdma.error().hint, "use --backend=kernel");
    NvmeofOptions named = by(NvmeofBackend::User);
    named.backend_option = "--files-backend";
    EXPECT_EQ(checkBackend(at("rdma"), named).error().hint, "use --files-backend=kernel");
    const auto other = checkBackend(at("fc"), by(NvmeofBackend::Kernel));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::Unsupported);
    const auto drawn = checkBackend(at("tcp", "0"), by(NvmeofBackend::Kernel));
    ASSERT_FALSE(drawn);
    EXPECT_EQ(drawn.error().code, ErrorCode::InvalidArgument);
}

TEST(FileToServe, HasWholeBlocksOfWhoServesIt) {
    const TemporaryFile whole("whole", 8192);
    const TemporaryFile ragged("ragged", 8192 + 512);
    for (const auto backend : {NvmeofBackend::User, NvmeofBackend::Kernel}) {
        const auto opened = openToServe(whole.path(), {}, {.backend = backend});
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_EQ(opened->size, 8192);
        EXPECT_EQ(opened->device->size(), 8192);
    }
    EXPECT_EQ(openToServe(ragged.path(), {}, {.backend = NvmeofBackend::User})->size, 8192 + 512);
    const auto by_kernel = openToServe(ragged.path(), {}, {.backend = NvmeofBackend::Kernel});
    ASSERT_TRUE(by_kernel);
    EXPECT_EQ(by_kernel->size, 8192) << "file systems have blocks of 4 KiB";
    EXPECT_EQ(std::filesystem::file_size(ragged.path()), 8192 + 512);
}

TEST(FileToServe, IsRefusedWhereTheKernelCannotServeItSo) {
    const TemporaryFile file("file", 8192);
    const TemporaryFile small("small", 512);
    const auto problem = [](const TemporaryFile& served, const LocalFileOptions& options) {
        const auto opened = openToServe(served.path(), options,
                                        {.backend = NvmeofBackend::Kernel, .backend_option = "--files-backend"});
        EXPECT_FALSE(opened);
        EXPECT_TRUE(opened || opened.error().code == ErrorCode::InvalidArgument);
        return opened ? std::string() : opened.error().message + "\n" + opened.error().hint;
    };
    EXPECT_THAT(problem(file, {.read_only = true}),
                AllOf(HasSubstr("has no read-only namespaces"), HasSubstr("\nuse --files-backend=user")));
    EXPECT_THAT(problem(file, {.size = 4096}), HasSubstr("serves all of a file, 8192 bytes, not the first 4096"));
    EXPECT_THAT(problem(small, {}), HasSubstr("512 bytes are less than a block of 4096"));
    EXPECT_TRUE(openToServe(file.path(), {.size = 8192}, {.backend = NvmeofBackend::Kernel}));
    EXPECT_TRUE(openToServe(small.path(), {.read_only = true}, {.backend = NvmeofBackend::User}));
    EXPECT_EQ(openToServe(file.path() + "x", {}, {.backend = NvmeofBackend::Kernel}).error().code, ErrorCode::NoInput);
}

}  // namespace
}  // namespace mc::nvmeof
