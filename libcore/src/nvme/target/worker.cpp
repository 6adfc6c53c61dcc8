#include "nvme/target/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "base/log.h"

namespace mc::nvme {
namespace {

constexpr std::size_t kTransferBytes = 64 << 20;  // Of buffers, in each loop; no connection has more than half.
constexpr std::size_t kCapsuleBytes = 8 << 20;
constexpr std::size_t kKeptStaging = 4;

// How often to look for connections that do not move; 0: never.
std::chrono::milliseconds sweepInterval(const TargetOptions& options) {
    constexpr std::chrono::milliseconds kOften{10};
    constexpr std::chrono::milliseconds kSeldom{5000};
    const auto never = std::chrono::milliseconds::max();
    const auto limit = std::min(options.stall_timeout.count() > 0 ? options.stall_timeout : never,
                                options.connect_timeout.count() > 0 ? options.connect_timeout : never);
    return limit == never ? std::chrono::milliseconds{0} : std::clamp(limit / 4, kOften, kSeldom);
}

}  // namespace

Worker::Worker(io::EventLoop& loop, std::size_t index, Registry& registry, const TargetOptions& options)
    : loop_(loop),
      index_(index),
      registry_(registry),
      options_(options),
      // Twice: what is compared is read behind what it is compared with.
      transfer_buffers_(kTransferBytes, std::size_t{2} * options.max_transfer_bytes),
      capsule_buffers_(kCapsuleBytes, std::size_t{2} * options.in_capsule_bytes) {}

Worker::~Worker() {
    if (sweep_timer_ != 0) loop_.cancel(sweep_timer_);
    loop_.atRoundEnd({});
}

Result<void> Worker::open() {
    auto blocks = io::BlockQueue::open(loop_, options_.blocks);
    if (!blocks) return std::unexpected(blocks.error());
    blocks_ = std::move(*blocks);
    loop_.atRoundEnd([this] { endRound(); });
    return {};
}

bool Worker::serve(FileDescriptor&& socket, bool replaces) {
    if (replaces && !dropNewcomer()) return false;
    try {
        auto connection = std::make_unique<Connection>(std::move(socket), *this);
        const auto started = connection->start();
        if (!started) {
            log::warning("nvme target: {}", started.error().message);
            return true;
        }
        Connection* const key = connection.get();
        connections_.emplace(key, std::move(connection));
        add(counters.connections, 1);
        sweepLater();
    } catch (const std::bad_alloc&) {
        log::warning("nvme target: no memory for another connection");
    }
    return true;
}

bool Worker::dropNewcomer() {
    Connection* oldest = nullptr;
    forEach([&](Connection& connection) {
        if (!connection.isOpen() && (oldest == nullptr || connection.age() > oldest->age())) oldest = &connection;
    });
    if (oldest != nullptr) oldest->close();
    return oldest != nullptr;
}

Worker::Staging Worker::takeStaging() {
    if (staging_.empty()) return std::make_unique_for_overwrite<std::byte[]>(kStagingSize);
    Staging staging = std::move(staging_.back());
    staging_.pop_back();
    return staging;
}

void Worker::giveStaging(Staging staging) {
    if (staging_.size() < kKeptStaging) staging_.push_back(std::move(staging));
}

// Whatever the round has brought is sent, and buffers that this frees go to those who wait for them; which may bring
// more.
void Worker::endRound() {
    while (!unsent_.empty() || (!waiting_.empty() && retry_) || (!stalled_.empty() && retry_)) {
        std::vector<Connection*> unsent;
        unsent.swap(unsent_);
        for (Connection* connection : unsent) {
            connection->sendNow();
        }
        serveWaiting();
    }
    blocks_->flush();
    bury();
}

bool Worker::othersWait(const Connection& connection) const {
    if (std::ranges::any_of(stalled_, [&](const Connection* stalled) { return stalled != &connection; })) return true;
    const Command* waiting = waiting_.front();
    while (waiting != nullptr && waiting->connection == &connection) {
        waiting = waiting->next;
    }
    return waiting != nullptr;
}

// Those whose connection has enough are passed by; where there is not enough, all wait for their turn.
bool Worker::giveTransferBuffer(Command& command) {
    if ((short_ && !waiting_.empty()) || !command.connection->mayTakeTransferBuffer(command)) return false;
    short_ = !command.connection->takeTransferBuffer(command);
    return !short_;
}

void Worker::serveWaiting() {
    retry_ = false;
    short_ = false;
    for (Command* command = waiting_.front(); command != nullptr && !short_;) {
        Command* const next = command->next;
        if (giveTransferBuffer(*command)) {
            waiting_.remove(*command);
            command->connection->resume(*command);
        }
        command = next;
    }
    std::vector<Connection*> stalled;
    stalled.swap(stalled_);
    for (Connection* connection : stalled) {
        connection->resume();
    }
}

void Worker::forget(Connection& connection) {
    const auto found = connections_.find(&connection);
    if (found == connections_.end()) return;
    std::erase(stalled_, &connection);
    forgotten_.push_back(std::move(found->second));
    connections_.erase(found);
    counters.connections.store(connections_.size(), std::memory_order_relaxed);
}

void Worker::bury() {
    if (!forgotten_.empty()) {
        std::erase_if(unsent_, [](const Connection* connection) { return connection->isOver(); });
        forgotten_.clear();
        if (connections_.empty()) {
            transfer_buffers_.trim();
            capsule_buffers_.trim();
        }
    }
    if (idle_ && connections_.empty()) std::exchange(idle_, nullptr)();
}

void Worker::shutDown(std::move_only_function<void()> idle) {
    idle_ = std::move(idle);
    closeIf([](const Connection&) { return true; });
}

std::uint32_t Worker::sweepsOf(std::chrono::milliseconds time) const {
    const auto interval = sweepInterval(options_);
    return interval.count() == 0 ? 0 : static_cast<std::uint32_t>((time + interval - interval / 2) / interval);
}

bool Worker::lasts(std::uint32_t sweeps, std::chrono::milliseconds time) const {
    return time.count() > 0 && sweeps >= sweepsOf(time);
}

void Worker::sweepLater() {
    const auto interval = sweepInterval(options_);
    if (sweep_timer_ != 0 || interval.count() == 0 || connections_.empty()) return;
    sweep_timer_ = loop_.at(SteadyClock::now() + interval, [this] { sweep(); });
}

void Worker::sweep() {
    sweep_timer_ = 0;
    ++sweeps_;
    retry_ = true;  // Memory that could not be had may be there now.
    std::vector<Connection*> overdue;
    std::size_t newcomers = 0;
    for (const auto& [connection, owned] : connections_) {
        if (connection->isOver() || !connection->overdue()) continue;
        overdue.push_back(connection);
        newcomers += connection->isOpen() ? 0 : 1;
    }
    if (newcomers > 0) {  // One line, however many there are.
        log::warning("nvme target: closed {} that no host has made a queue within {} ms, such as that of {}",
                     newcomers == 1 ? "a connection" : fmt::format("{} connections", newcomers),
                     options_.connect_timeout.count(),
                     (*std::ranges::find_if_not(overdue, &Connection::isOpen))->peer());
    }
    for (Connection* connection : overdue) {
        connection->expire();
    }
    sweepLater();
}

}  // namespace mc::nvme
