#include "mc-meta/diagnosis.h"

#include <gtest/gtest.h>

namespace mc::meta {
namespace {

TEST(IsHere, WhereAllServersAreAtLoopback) {
    for (const char* url : {"http://127.0.0.1:8080/metadata", "https://localhost/metadata", "redis://[::1]:6379/3",
                            "redis://user@127.0.0.2", "etcd://127.0.0.1:1,localhost:2", "127.0.0.1:2379;[::1]:2379",
                            "etcd://https://127.0.0.1:2379"}) {
        EXPECT_TRUE(isHere(url)) << url;
    }
    for (const char* url : {"http://10.0.0.1:8080/metadata", "redis://127.example.com", "etcd://127.0.0.1:1,10.0.0.2:2",
                            "redis://127.0.0.1@10.0.0.1", "10.0.0.1:2379", ""}) {
        EXPECT_FALSE(isHere(url)) << url;
    }
}

}  // namespace
}  // namespace mc::meta
