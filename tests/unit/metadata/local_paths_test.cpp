#include "metadata/local_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "metadata/memory_store.h"

namespace mc::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class LocalPathsTest : public testing::Test {
  protected:
    void SetUp() override {
        auto descriptor =
            makeFileSegment("node1", {{.file_path = "/f0", .length = 10}, {.file_path = "/f1", .length = 20}});
        ASSERT_TRUE(store_.put(segment_.key, encodeSegmentDescriptor(descriptor), Precondition::any(), std::nullopt));
    }
    StaticSegment change() { return {.store = store_, .segment = segment_, .writing = Writing::Real, .deadline = {}}; }
    std::vector<LegacyFile> files() {
        return decodeSegmentDescriptor(store_.get(segment_.key, std::nullopt)->value)->legacy_files;
    }

    MemoryStore store_;
    const SegmentKey segment_{.kind = SegmentKind::Files, .name = "nvmeof/cache", .key = "mooncake/nvmeof/cache"};
};

TEST_F(LocalPathsTest, AreRecordedForOneServerAndTakenOutAgain) {
    const std::string here = "10.0.0.2:12345";
    const LocalPaths paths{{"/f0", "/mnt/f0"}, {"/f1", "/mnt/f1"}};
    const auto recorded = recordMounting(change(), {.server_name = here, .paths = paths});
    ASSERT_TRUE(recorded) << recorded.error().message;
    EXPECT_TRUE(recorded->guarded);
    EXPECT_EQ(recorded->done, Change::Kind::Put);
    EXPECT_THAT(files()[0].local_path_map, ElementsAre(Pair(here, "/mnt/f0")));
    EXPECT_THAT(files()[1].local_path_map, ElementsAre(Pair(here, "/mnt/f1")));
    EXPECT_EQ(recordMounting(change(), {.server_name = here, .paths = paths})->done, Change::Kind::None);
    ASSERT_TRUE(forgetMounting(change(), {.server_name = here, .paths = paths}));
    EXPECT_TRUE(files()[0].local_path_map.empty());
    EXPECT_TRUE(files()[1].local_path_map.empty());
    EXPECT_EQ(forgetMounting(change(), {.server_name = here, .paths = paths})->done, Change::Kind::None);
}

TEST_F(LocalPathsTest, WhatSomebodyHasChangedSinceStays) {
    const std::string here = "here";
    const LocalPaths first{{"/f0", "/mnt/f0"}};
    const LocalPaths second{{"/f0", "/other/f0"}};
    ASSERT_TRUE(recordMounting(change(), {.server_name = here, .paths = first}));
    ASSERT_TRUE(recordMounting(change(), {.server_name = here, .paths = second}));
    ASSERT_TRUE(forgetMounting(change(), {.server_name = here, .paths = first}));
    EXPECT_THAT(files()[0].local_path_map, ElementsAre(Pair("here", "/other/f0")));
}

TEST_F(LocalPathsTest, OfWhatIsNotThereAreAnError) {
    const std::string here = "here";
    const LocalPaths none{{"/none", "/mnt/none"}};
    EXPECT_THAT(recordMounting(change(), {.server_name = here, .paths = none}).error().message, HasSubstr("/none"));
    ASSERT_TRUE(store_.remove(segment_.key, Precondition::any(), std::nullopt));
    EXPECT_EQ(recordMounting(change(), {.server_name = here, .paths = none}).error().code, ErrorCode::NotFound);
    EXPECT_TRUE(forgetMounting(change(), {.server_name = here, .paths = none})) << "it has none by now";
}

TEST_F(LocalPathsTest, OfManyServersAtOnceAllAreThere) {
    constexpr int kServers = 8;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kServers; ++i) {
            threads.emplace_back([this, i] {
                const std::string name = "server" + std::to_string(i);
                const LocalPaths paths{{"/f0", "/mnt/" + name}};
                EXPECT_TRUE(recordMounting(change(), {.server_name = name, .paths = paths}));
            });
        }
    }
    EXPECT_EQ(files()[0].local_path_map.size(), kServers);
}

}  // namespace
}  // namespace mc::metadata
