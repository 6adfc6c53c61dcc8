#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

#include "metadata/local_store.h"
#include "metadata/server/server_metrics.h"
#include "metadata/server/watch_stream.h"

namespace mc::metadata::server {

/// Brings the changes of a store to all who watch it: a thread takes them from one watch of everything, which exists
/// only while somebody listens, and writes each as JSON once.
class WatchHub {
  public:
    struct Options {
        std::size_t max_watches = 1000;
        std::chrono::milliseconds heartbeat{5000};  ///< An empty line after so long.
    };

    WatchHub(LocalStore& store, ServerMetrics& metrics, const Options& options);
    ~WatchHub();
    WatchHub(const WatchHub&) = delete;
    WatchHub& operator=(const WatchHub&) = delete;

    /// All changes below `prefix` from now on, after a line that says so; until the hub or the reader lets go. Busy
    /// where there are too many already; Unavailable after stop().
    Result<std::shared_ptr<BodyStream>> subscribe(std::string_view prefix);

    /// Ends all streams and the thread.
    void stop();

  private:
    void run();
    void deliver(const Event& event);
    void heartbeat();
    void endAll(const WatchStream::Line& last);
    void dropUnread();

    LocalStore& store_;
    ServerMetrics& metrics_;
    const Options options_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::weak_ptr<WatchStream>> streams_;
    std::shared_ptr<Watch> watch_;  // While there are streams.
    bool stopping_ = false;
    std::jthread thread_;  // Last: uses the members above.
};

}  // namespace mc::metadata::server
