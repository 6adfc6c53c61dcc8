#include <fmt/format.h>
#include <libnvme.h>
#include <syslog.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "base/errors.h"
#include "nvme/kernel/host/connect.h"

namespace mc::nvme::kernel {
namespace {

struct FreeRoot {
    void operator()(nvme_root* root) const { ::nvme_free_tree(root); }
};
struct FreeController {
    void operator()(nvme_ctrl* controller) const { ::nvme_free_ctrl(controller); }
};
using Root = std::unique_ptr<nvme_root, FreeRoot>;
using Controller = std::unique_ptr<nvme_ctrl, FreeController>;

/// Takes what libnvme logs, where alone it tells the kernel's errno.
class Log {
  public:
    Log() : stream_(::open_memstream(&text_, &length_)) {}
    ~Log() {
        if (stream_ != nullptr) std::fclose(stream_);  // NOLINT(cppcoreguidelines-owning-memory): as C hands it out
        std::free(text_);  // NOLINT(cppcoreguidelines-owning-memory,cppcoreguidelines-no-malloc)
    }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    std::FILE* stream() const { return stream_; }
    std::string text() const {
        if (stream_ != nullptr) std::fflush(stream_);
        return {text_ == nullptr ? "" : text_, length_};
    }

  private:
    char* text_ = nullptr;
    std::size_t length_ = 0;
    std::FILE* stream_;
};

int wholeSeconds(std::chrono::milliseconds time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

nvme_fabrics_config configOf(const KernelHostOptions& options) {
    nvme_fabrics_config config{};
    ::nvmf_default_config(&config);
    config.nr_io_queues = options.io_queues;
    config.queue_size = options.queue_entries;
    config.keep_alive_tmo = static_cast<int>(options.keep_alive.count());
    config.reconnect_delay = static_cast<int>(options.reconnect_delay.count());
    config.ctrl_loss_tmo = options.loss_timeout ? wholeSeconds(*options.loss_timeout) : -1;
    // 0 is libnvme's word for none.
    if (options.fail_timeout) config.fast_io_fail_tmo = std::max(1, wholeSeconds(*options.fail_timeout));
    config.hdr_digest = options.header_digest;
    config.data_digest = options.data_digest;
    return config;
}

// The errno whose text ends what was logged; 0 if it is none of those that a connect ends with.
int errnoIn(const std::string& log) {
    constexpr std::array kExpected{ECONNREFUSED,  ECONNRESET, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT,
                                   EADDRNOTAVAIL, EACCES,     EPERM,        ENOKEY,      EKEYREJECTED,
                                   EIO,           EINVAL,     ENODEV,       EAGAIN,      EOPNOTSUPP,
                                   EBUSY,         ENOMEM,     EINTR,        EADDRINUSE};
    const std::string trimmed = log.substr(0, log.find_last_not_of(" \n") + 1);
    const auto* const found = std::ranges::find_if(
        kExpected, [&](int number) { return trimmed.ends_with(": " + std::generic_category().message(number)); });
    return found == kExpected.end() ? 0 : *found;
}

Error failure(const ConnectRequest& request, int number, const std::string& log) {
    const std::string what = fmt::format("connect the kernel to {} at {} {} {}", request.subsystem_nqn,
                                         request.transport, request.traddr, request.trsvcid);
    if (number == ENVME_CONNECT_ALREADY)
        return {ErrorCode::AlreadyExists, fmt::format("{}: already connected", what), {}};
    int kernels = number < ENVME_CONNECT_RESOLVE ? number : errnoIn(log);
    if (kernels == EAGAIN) kernels = ETIMEDOUT;  // Its word for a target that is connected, and says nothing.
    if (kernels == 0) {
        return {ErrorCode::Unavailable, fmt::format("{}: {}", what, ::nvme_errno_to_string(number)),
                "the kernel tells more: dmesg"};
    }
    Error error = systemError(what, {}, kernels);
    if (kernels == ENOKEY || kernels == EKEYREJECTED) error.code = ErrorCode::NotPermitted;
    // What the target answered: it does not admit this host, wants a key, has no such subsystem.
    if (kernels == EIO || kernels == EINVAL || kernels == EOPNOTSUPP) error.code = ErrorCode::Unavailable;
    if (error.hint.empty()) error.hint = "the kernel tells more: dmesg";
    return error;
}

Result<std::string> connect(const ConnectRequest& request) {
    const Log log;
    if (log.stream() == nullptr) return failErrno("open_memstream", "", errno);
    // Not at LOG_DEBUG, which prints the keys.
    const Root root(::nvme_create_root(log.stream(), LOG_NOTICE));
    if (!root) return failErrno("nvme_create_root", "", errno);
    nvme_host* const host =
        ::nvme_lookup_host(root.get(), request.options.host_nqn.c_str(), request.options.host_id.c_str());
    if (host == nullptr) return failErrno("nvme_lookup_host", request.options.host_nqn, ENOMEM);
    const Controller controller(::nvme_create_ctrl(root.get(), request.subsystem_nqn.c_str(), request.transport.c_str(),
                                                   request.traddr.c_str(), nullptr, nullptr, request.trsvcid.c_str()));
    if (!controller) return failErrno("nvme_create_ctrl", request.subsystem_nqn, errno);
    if (!request.options.key.empty()) ::nvme_ctrl_set_dhchap_host_key(controller.get(), request.options.key.c_str());
    if (!request.options.controller_key.empty())
        ::nvme_ctrl_set_dhchap_key(controller.get(), request.options.controller_key.c_str());
    const nvme_fabrics_config config = configOf(request.options);
    errno = 0;
    const int connected = ::nvmf_add_ctrl(host, controller.get(), &config);
    const int number = errno;
    // It may fail to read what sysfs shows of a controller that the kernel has connected.
    if (const char* const name = ::nvme_ctrl_get_name(controller.get()); name != nullptr) return std::string(name);
    if (connected == 0) return fail(ErrorCode::Internal, "libnvme: a connected controller has no name");
    return std::unexpected(failure(request, number, log.text()));
}

}  // namespace

Connect connectByLibnvme() {
    return connect;
}

}  // namespace mc::nvme::kernel
