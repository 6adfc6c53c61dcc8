#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/errors.h"
#include "nvme/kernel/target/kernel_target.h"
#include "nvme/kernel/target/port.h"
#include "nvme/kernel/target/subsystem.h"
#include "temporary.h"

namespace mc::nvmet::test {

namespace fs = std::filesystem;

/// A directory that behaves as the kernel's does: objects come with their attributes and go with them, but not while
/// something is in them or refers to them. What it refuses is in `refuses`, an errno by path.
class Nvmet : public Tree {
  public:
    explicit Nvmet(const fs::path& root) : Tree(root) {
        for (const char* const each : {"subsystems", "ports", "hosts"})
            fs::create_directories(root / each);
    }

    int make(std::string_view path) const override {
        if (const int error = refusalOf(path); error != 0) return error;
        if (const int error = Tree::make(path); error != 0) return error;
        const fs::path object = at(path);
        const std::string kind = object.parent_path().filename();
        for (const std::string& group : groupsOf(kind))
            fs::create_directory(object / group);
        for (const auto& [name, value] : attributesOf(kind))
            std::ofstream(object / name) << value << "\n";
        return 0;
    }

    int remove(std::string_view path) const override {
        if (const int error = refusalOf(path); error != 0) return error;
        const fs::path object = at(path);
        if (!fs::exists(object)) return ENOENT;
        for (const std::string& group : groupsOf(object.parent_path().filename())) {
            if (!fs::is_empty(object / group)) return EBUSY;
        }
        if (isReferredTo(object)) return EBUSY;
        fs::remove_all(object);
        return 0;
    }

    int link(std::string_view path, std::string_view link) const override {
        if (const int error = refusalOf(link); error != 0) return error;
        if (on_link) on_link();
        return Tree::link(path, link);
    }

    Result<void> write(std::string_view attribute, std::string_view value) const override {
        if (const int error = refusalOf(attribute); error != 0) return problem("write", attribute, error);
        return Tree::write(attribute, value);
    }

    std::map<std::string, int, std::less<>> refuses;
    std::function<void()> on_link;
    bool authenticates = true;

  private:
    int refusalOf(std::string_view path) const {
        const auto found = refuses.find(path);
        return found == refuses.end() ? 0 : found->second;
    }
    static std::vector<std::string> groupsOf(const std::string& kind) {
        if (kind == "subsystems") return {"namespaces", "allowed_hosts"};
        if (kind == "ports") return {"subsystems"};
        return {};
    }
    std::map<std::string, std::string> attributesOf(const std::string& kind) const {
        if (kind == "subsystems") {
            return {{"attr_serial", "6b8d2f0f31e5e4e5a1b2"}, {"attr_model", "Linux"}, {"attr_allow_any_host", "0"}};
        }
        if (kind == "ports")
            return {{"addr_trtype", ""}, {"addr_adrfam", "pcie"}, {"addr_traddr", ""}, {"addr_trsvcid", ""}};
        if (kind == "namespaces") {
            return {{"device_path", "(null)"},
                    {"device_nguid", ""},
                    {"device_uuid", ""},
                    {"buffered_io", "0"},
                    {"enable", "0"}};
        }
        if (kind == "hosts" && authenticates)
            return {{"dhchap_key", ""}, {"dhchap_ctrl_key", ""}, {"dhchap_dhgroup", "null"}};
        return {};
    }
    bool isReferredTo(const fs::path& object) const {
        for (const auto& entry : fs::recursive_directory_iterator(at(""))) {
            if (entry.is_symlink() && fs::read_symlink(entry) == object) return true;
        }
        return false;
    }
};

inline constexpr const char* kNqn = "nqn.2016-06.io.mc:10.0.0.2:12345";
inline constexpr const char* kSerial = "11112222333344445555";
inline constexpr const char* kHost = "nqn.2014-08.org.nvmexpress:uuid:host0";

/// A kernel's target and a directory of records, both below one of the test's.
class KernelTargetTest : public testing::Test {
  protected:
    KernelTargetTest() { static_cast<void>(tree()); }
    ~KernelTargetTest() override { fs::remove_all(directory_); }

    std::unique_ptr<Nvmet> tree() const { return std::make_unique<Nvmet>(directory_ / "nvmet"); }
    KernelTarget::Options options(std::string nqn = kNqn) const {
        KernelTarget::Options options{
            .subsystem = {}, .address = {"tcp", "ipv4", "127.0.0.1", "4420"}, .records = directory_ / "records"};
        options.subsystem.nqn = std::move(nqn);
        options.subsystem.serial = kSerial;
        return options;
    }
    [[nodiscard]] Result<std::unique_ptr<KernelTarget>> start(const KernelTarget::Options& options) const {
        return KernelTarget::start(tree(), options);
    }
    NamespaceOptions file(std::uint32_t nsid) const {
        return {.nsid = nsid, .path = "/data/f" + std::to_string(nsid), .nguid = {0x11}, .uuid = {0x22}};
    }

    fs::path at(std::string_view path) const { return directory_ / "nvmet" / path; }
    std::string read(const std::string& attribute) const {
        const auto value = tree()->read(attribute);
        return value ? *value : value.error().message;
    }
    /// Everything that is there, attributes left out, sorted.
    std::vector<std::string> objects() const {
        std::vector<std::string> all;
        for (const auto& entry : fs::recursive_directory_iterator(at(""))) {
            if (!entry.is_regular_file())
                all.push_back(fs::relative(entry.path().parent_path(), at("")) / entry.path().filename());
        }
        std::ranges::sort(all);
        return all;
    }
    std::vector<fs::path> records() const { return Record::list(directory_ / "records"); }

    const fs::path directory_ = mc::test::temporaryPath("nvmet");
    const std::string subsystem_ = std::string("subsystems/") + kNqn;
};

}  // namespace mc::nvmet::test
