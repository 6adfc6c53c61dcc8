#include "io/loop_thread.h"

#include <csignal>
#include <future>
#include <system_error>

#include "base/errors.h"
#include "base/thread.h"

namespace mc::io {
namespace {

// sendfile(2) and splice(2) can't be told not to raise it.
void blockBrokenPipeSignal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

Result<std::unique_ptr<LoopThread>> LoopThread::start(const std::string& name) {
    auto loop = EventLoop::open();
    if (!loop) return std::unexpected(loop.error());
    try {
        return std::unique_ptr<LoopThread>(new LoopThread(std::move(*loop), name));
    } catch (const std::system_error& error) {
        return failErrno("start thread", name, error.code().value());
    }
}

LoopThread::LoopThread(std::unique_ptr<EventLoop> loop, const std::string& name)
    : loop_(std::move(loop)), thread_([this, name](const std::stop_token& stop) {
          nameThisThread(name);
          blockBrokenPipeSignal();
          while (!stop.stop_requested()) {
              loop_->runOnce();
          }
      }) {}

LoopThread::~LoopThread() {
    thread_.request_stop();
    loop_->wake();
}

void LoopThread::run(EventLoop::Task task) {
    std::promise<void> done;
    loop_->post([&] {
        task();
        done.set_value();
    });
    done.get_future().wait();
}

}  // namespace mc::io
