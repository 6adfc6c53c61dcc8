#include "base/sd_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/fd.h"
#include "temporary.h"

namespace mc {
namespace {

// A service manager's socket: a path, or with '@' a name in the abstract space.
class Manager {
  public:
    explicit Manager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        if (name[0] == '@') address.sun_path[0] = '\0';
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    }
    ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }  // NOLINT(concurrency-mt-unsafe)
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    /// What it was told, or "nothing".
    std::string told() const {
        std::array<char, 256> bytes{};
        const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        return got < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(got));
    }

  private:
    FileDescriptor socket_;
};

TEST(NotifyServiceManager, TellsTheSocketAtAPath) {
    const std::string path = test::temporaryPath("notify");
    const Manager manager(path);
    notifyServiceManager("READY=1\nSTATUS=serving");
    EXPECT_EQ(manager.told(), "READY=1\nSTATUS=serving");
    EXPECT_EQ(manager.told(), "nothing");
    ::unlink(path.c_str());
}

TEST(NotifyServiceManager, TellsAnAbstractSocket) {
    const Manager manager("@mc-test-" + std::to_string(::getpid()));
    notifyServiceManager("STOPPING=1");
    EXPECT_EQ(manager.told(), "STOPPING=1");
}

TEST(NotifyServiceManager, AManagerThatIsFullOrGoneIsNotWaitedFor) {
    {
        const Manager manager("@mc-test-full-" + std::to_string(::getpid()));
        for (int i = 0; i < 10000; ++i)
            notifyServiceManager("WATCHDOG=1");
        EXPECT_EQ(manager.told(), "WATCHDOG=1");
    }
    ::setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);  // NOLINT(concurrency-mt-unsafe)
    notifyServiceManager("READY=1");
    ::unsetenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe)
    notifyServiceManager("READY=1");
}

TEST(NotifyServiceManager, ANameThatIsNoSocketIsLeftAlone) {
    for (const std::string& name : {std::string(), std::string("relative"), "/" + std::string(200, 'x')}) {
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
        notifyServiceManager("READY=1");
    }
    EXPECT_EQ(::unsetenv("NOTIFY_SOCKET"), 0);  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace mc
