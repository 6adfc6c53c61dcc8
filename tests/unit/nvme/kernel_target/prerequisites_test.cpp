#include "nvme/kernel/target/prerequisites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temporary.h"

namespace mc::nvmet {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A system that has everything, until a test takes something away.
class Prerequisites : public testing::Test {
  protected:
    Prerequisites() {
        fs::create_directories(places_.nvmet() / "subsystems");
        fs::create_directories(places_.loaded_modules / "nvmet");
        fs::create_directories(places_.rdma_devices / "rxe0");
        write(places_.filesystems, "nodev\tsysfs\nnodev\tconfigfs\n\text4\n");
        write(places_.mounts, "configfs " + places_.configfs.native() + " configfs rw,relatime 0 0\n");
        write(places_.modules / "6.12.1" / "modules.dep",
              "kernel/drivers/nvme/target/nvmet.ko.xz: kernel/fs/configfs/configfs.ko.xz\n"
              "kernel/drivers/nvme/target/nvmet-tcp.ko.xz: kernel/drivers/nvme/target/nvmet.ko.xz\n"
              "kernel/fs/configfs/configfs.ko.xz:\n");
        write(places_.modules / "6.12.1" / "modules.builtin", "kernel/drivers/nvme/target/nvmet-rdma.ko\n");
    }
    ~Prerequisites() override { fs::remove_all(directory_); }

    static void write(const fs::path& path, const std::string& text) {
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
    }
    std::vector<int> numbers(const std::string& trtype = "tcp") const {
        std::vector<int> all;
        for (const Finding& finding : findMissing(trtype, "--files-backend", places_))
            all.push_back(finding.number);
        return all;
    }
    Finding only(const std::string& trtype = "tcp") const {
        const auto found = findMissing(trtype, "--files-backend", places_);
        EXPECT_EQ(found.size(), 1);
        return found.empty() ? Finding{} : found.front();
    }

    const fs::path directory_ = mc::test::temporaryPath("places");
    Places places_{.configfs = directory_ / "config",
                   .loaded_modules = directory_ / "module",
                   .modules = directory_ / "modules",
                   .filesystems = directory_ / "filesystems",
                   .mounts = directory_ / "mounts",
                   .rdma_devices = directory_ / "infiniband",
                   .release = "6.12.1",
                   .user = 0};
};

TEST_F(Prerequisites, NothingIsMissing) {
    EXPECT_THAT(numbers(), IsEmpty());
    EXPECT_THAT(numbers("rdma"), IsEmpty());
}

TEST_F(Prerequisites, AModuleThatIsNotLoaded) {
    fs::remove_all(places_.nvmet());
    fs::remove_all(places_.loaded_modules / "nvmet");
    const Finding finding = only();
    EXPECT_EQ(finding.number, 4);
    EXPECT_EQ(finding.code, ErrorCode::Unavailable);
    EXPECT_EQ(finding.what, "module nvmet is not loaded");
    EXPECT_EQ(finding.mend, "modprobe nvmet");
}

TEST_F(Prerequisites, AModuleThatTheKernelDoesNotHave) {
    places_.release = "6.1.0";
    EXPECT_THAT(numbers(), ElementsAre(5));
    EXPECT_EQ(only().what, "this kernel, 6.1.0, has no module nvmet-tcp");
    EXPECT_THAT(only().mend, HasSubstr("do without: --files-backend=user serves"));
    fs::create_directory(places_.loaded_modules / "nvmet_tcp");
    EXPECT_THAT(numbers(), IsEmpty());
    EXPECT_THAT(numbers("rdma"), ElementsAre(5));
}

TEST_F(Prerequisites, ConfigfsThatIsNotMounted) {
    fs::remove_all(places_.configfs);
    write(places_.mounts, "sysfs /sys sysfs rw 0 0\n");
    const Finding finding = only();
    EXPECT_EQ(finding.number, 3);
    EXPECT_EQ(finding.code, ErrorCode::Config);
    EXPECT_EQ(finding.mend, "mount -t configfs configfs " + places_.configfs.native());
}

TEST_F(Prerequisites, AKernelWithoutAnything) {
    fs::remove_all(places_.configfs);
    fs::remove_all(places_.loaded_modules);
    fs::remove_all(places_.modules);
    fs::remove_all(places_.rdma_devices);
    write(places_.filesystems, "\text4\n");
    EXPECT_THAT(numbers(), ElementsAre(2, 4, 5));
    EXPECT_THAT(numbers("rdma"), ElementsAre(2, 4, 5, 6));
    const Error error = toError(findMissing("tcp", "--files-backend", places_));
    EXPECT_EQ(error.code, ErrorCode::Unavailable);
    EXPECT_THAT(error.message, HasSubstr("finding 2: this kernel, 6.12.1, has no configfs; finding 4: this kernel"));
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
    EXPECT_EQ(error.hint.find(';'), std::string::npos) << "what mends several is said once";
}

TEST_F(Prerequisites, TheRightComesFirst) {
    fs::remove_all(places_.nvmet());
    fs::remove_all(places_.loaded_modules / "nvmet");
    places_.user = 1000;
    EXPECT_THAT(numbers(), ElementsAre(1, 4));
    const Error error = toError(findMissing("tcp", "--files-backend", places_));
    EXPECT_EQ(error.code, ErrorCode::NotPermitted);
    EXPECT_THAT(error.hint, HasSubstr("sudo"));
    EXPECT_THAT(error.hint, HasSubstr("; modprobe nvmet"));
}

TEST_F(Prerequisites, WhatMayBeInTheKernelIsOutOfReachWithoutConfigfsOrTheRight) {
    EXPECT_THAT(findOutOfReach(places_), IsEmpty());
    fs::remove_all(places_.configfs);
    write(places_.mounts, "");
    EXPECT_EQ(findOutOfReach(places_).at(0).number, 3);
    fs::remove_all(places_.loaded_modules / "nvmet");
    EXPECT_THAT(findOutOfReach(places_), IsEmpty()) << "where the module is not loaded nothing can be there";
    places_.user = 1000;
    EXPECT_EQ(findOutOfReach(places_).at(0).number, 1);
}

TEST_F(Prerequisites, AnRdmaDevice) {
    fs::remove_all(places_.rdma_devices / "rxe0");
    EXPECT_THAT(numbers("rdma"), ElementsAre(6));
    EXPECT_THAT(numbers("tcp"), IsEmpty());
}

}  // namespace
}  // namespace mc::nvmet
