#include "common/stop_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/errors.h"
#include "base/log.h"
#include "base/thread.h"

namespace mc::tools {
namespace {

constexpr int kPatienceMs = 1000;  // Of whoever sent a signal, until a word is said about what takes so long.

ExitCode exitCodeOf(int signal) {
    switch (signal) {
        case SIGHUP:
            return ExitCode::HungUp;
        case SIGINT:
            return ExitCode::Interrupted;
        default:
            return ExitCode::Terminated;
    }
}

// By nohup(1), say.
bool isIgnored(int signal) {
    struct sigaction action{};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Result<std::unique_ptr<StopSignals>> StopSignals::open() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (!isIgnored(SIGHUP)) sigaddset(&set, SIGHUP);
    FileDescriptor signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) return failErrno("signalfd", "", errno);
    FileDescriptor ended(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!ended) return failErrno("eventfd", "", errno);
    sigset_t old_mask;
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, &old_mask); error != 0) {
        return failErrno("pthread_sigmask", "", error);
    }
    return std::unique_ptr<StopSignals>(new StopSignals(std::move(signals), std::move(ended), old_mask));
}

StopSignals::StopSignals(FileDescriptor signals, FileDescriptor ended, const sigset_t& old_mask)
    : signals_(std::move(signals)), ended_(std::move(ended)), old_mask_(old_mask), watcher_([this] { watch(); }) {}

StopSignals::~StopSignals() {
    (void)::eventfd_write(ended_.get(), 1);
    watcher_.join();
    (void)::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

ExitCode StopSignals::exitCode() const {
    const int signal = received();
    return signal == 0 ? ExitCode::Ok : exitCodeOf(signal);
}

bool StopSignals::wait(std::optional<std::chrono::nanoseconds> timeout) {
    std::unique_lock lock(mutex_);
    const auto never = [] { return false; };
    if (timeout) {
        changed_.wait_for(lock, token(), *timeout, never);
    } else {
        changed_.wait(lock, token(), never);
    }
    return received() != 0;
}

void StopSignals::watch() {
    nameThisThread("signals");
    bool told = false;
    while (true) {
        std::array<pollfd, 2> ready{{{signals_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}}};
        const int count = ::poll(ready.data(), ready.size(), received_.load() == 0 || told ? -1 : kPatienceMs);
        if (count < 0) continue;
        if (count == 0) {
            log::warning("stopping as soon as what is under way has ended; another signal ends it at once");
            told = true;
            continue;
        }
        if (ready[1].revents != 0) return;
        signalfd_siginfo info{};
        if (::read(signals_.get(), &info, sizeof info) != sizeof info) continue;
        const int signal = static_cast<int>(info.ssi_signo);
        if (received_.load() != 0) ::_exit(static_cast<int>(exitCodeOf(signal)));
        received_.store(signal);
        stop_.request_stop();
    }
}

}  // namespace mc::tools
