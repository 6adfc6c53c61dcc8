#include "transport/tcp/lane.h"

#include <algorithm>

#include "base/log.h"
#include "io/socket.h"

namespace mc::tcp {

std::shared_ptr<const Target> TargetBox::get() const {
    const std::lock_guard lock(mutex_);
    return target_;
}

void TargetBox::set(Target target) {
    auto made = std::make_shared<const Target>(std::move(target));
    const std::lock_guard lock(mutex_);
    target_ = std::move(made);
}

PeerInfo TargetBox::shown() const {
    const std::lock_guard lock(mutex_);
    return shown_;
}

void TargetBox::show(const Trust& trust, const FileDescriptor& socket) {
    const std::lock_guard lock(mutex_);
    shown_ = {trust.version, trust.keeps, io::congestionControl(socket)};
}

void TargetBox::showProblem(const Error& problem) {
    const std::lock_guard lock(mutex_);
    shown_.problem = problem;
}

void Lane::pump() {
    if (queue_.empty() || backoff_.waits()) return;
    if (!lasting_ && !(trust_ && trust_->proven)) {
        if (probeAddress() == 0) {
            trust_ = Trust{};  // Nothing to probe with.
        } else {
            trust_.reset();
        }
    }
    if (trust_) {
        startSingles();
        return;
    }
    if (!lasting_) connectLasting();
    if (!lasting_ || lasting_->state() != ClientConnection::State::Ready) return;
    while (!queue_.empty() && (cautious_ == 0 || lasting_->idle())) {
        lasting_->enqueue(*queue_.pop());
    }
    lasting_->flush();
}

// What somebody wants to reach anyway, so that a refusal concerns nobody else.
std::uint64_t Lane::probeAddress() const {
    for (const Slice* slice = queue_.front(); slice != nullptr; slice = slice->next) {
        if (slice->length >= sizeof(StatusFrame)) return slice->remote;
    }
    return target_.get()->probe_address;
}

// False: there were none.
bool Lane::failRequestsAt(std::uint64_t address) {
    bool any = false;
    SliceQueue waiting = std::exchange(queue_, SliceQueue{});
    while (!waiting.empty()) {
        Slice& slice = *waiting.pop();
        if (slice.remote == address) {
            finish(slice, TaskStatus::FAILED, false);
            any = true;
        } else {
            queue_.push(&slice);
        }
    }
    return any;
}

std::unique_ptr<ClientConnection> Lane::connect(const Trust* trust) {
    const auto target = target_.get();
    probed_ = probeAddress();
    auto connection = ClientConnection::start(context_.loop, *this,
                                              {.address = address(*target),
                                               .probe_address = probed_,
                                               .version = ask_for_version_1_ ? 1 : target->version,
                                               .trust = trust,
                                               .options = options_});
    if (!connection) {
        ++address_;
        fail(connection.error());
        retryOrFail(std::exchange(queue_, SliceQueue{}), connection.error());
        return nullptr;
    }
    context_.connections.fetch_add(1, std::memory_order_relaxed);
    return std::move(*connection);
}

void Lane::connectLasting() {
    lasting_ = connect(nullptr);
}

void Lane::startSingles() {
    while (!queue_.empty() && singles_.size() < kMostSingles) {
        auto connection = connect(&*trust_);
        if (!connection) return;
        connection->enqueue(*queue_.pop());
        singles_.push_back(std::move(connection));
    }
}

void Lane::onReady(ClientConnection& connection) {
    if (!shown_) target_.show(connection.trust(), connection.socket());
    shown_ = true;
    if (&connection != lasting_.get()) {
        connection.flush();
        return;
    }
    pump();
}

void Lane::onFinished(ClientConnection& connection, Slice& slice, TaskStatus status, bool acknowledged) {
    backoff_.reset();
    finish(slice, status, acknowledged, connection.lastProgress());
}

void Lane::finish(Slice& slice, TaskStatus status, bool acknowledged, SteadyClock::time_point now) {
    if (cautious_ > 0) --cautious_;
    context_.finish(slice, status, acknowledged, now);
}

void Lane::onClosed(ClientConnection& connection, const Error& error) {
    const bool single = &connection != lasting_.get();
    const Trust trust = connection.trust();
    const bool downgraded = connection.downgraded();
    const bool answered = connection.probeRefused() && failRequestsAt(probed_);
    SliceQueue unfinished = connection.takeUnfinished();
    const bool useful = connection.connected() &&
                        (single ? unfinished.empty() : trust.proven || downgraded || connection.probeRefused());
    const bool try_next = tryNextAddress(connection, useful, error);
    bury(connection);
    if (try_next) {
        unfinished.append(queue_);
        queue_ = unfinished;
        fail(error);
        return pump();
    }

    const bool known_to_close = !single && trust.proven && !trust.keeps;
    if (answered) {
        target_.showProblem(error);
        log::warning("tcp: {}", error.message);  // The others are none the worse for it.
    } else if (known_to_close) {
        log::debug("tcp: a peer closes after each request; one connection per request from now on");
        trust_ = trust;
    } else if (downgraded) {
        ask_for_version_1_ = true;
    } else if (single && !unfinished.empty()) {
        trust_.reset();  // Whoever answers there now has to show anew what it does.
    }
    const bool unconnected = !single && !trust.keeps && !known_to_close && !downgraded && !answered;
    if (unconnected) unfinished.append(queue_);  // Nobody else will take them to the peer either.
    if (!unfinished.empty()) {
        fail(error);
        const std::size_t retried = retryOrFail(unfinished, error);
        if (trust.keeps) cautious_ = retried;
    }
    pump();
}

void Lane::fail(const Error& error) {
    target_.showProblem(error);
    backoff_.failed(error, [this] { pump(); });
}

const io::SocketAddress& Lane::address(const Target& target) const {
    return target.addresses[address_ % target.addresses.size()];
}

// True: not even a refusal came from the lasting connection's address, and there are others that may do better. After
// a connection that got nowhere, the next one goes to the next address.
bool Lane::tryNextAddress(const ClientConnection& connection, bool useful, const Error& error) {
    const auto target = target_.get();
    if (useful || connection.name() != address(*target).toString()) {
        if (useful) silent_addresses_ = 0;
        return false;
    }
    ++address_;
    const bool silent = &connection == lasting_.get() && !connection.connected() && error.code == ErrorCode::TimedOut;
    silent_addresses_ = silent ? silent_addresses_ + 1 : 0;
    if (silent_addresses_ < target->addresses.size()) return silent;
    silent_addresses_ = 0;
    return false;
}

// The number of slices that are tried again.
std::size_t Lane::retryOrFail(SliceQueue slices, const Error& error) {
    std::size_t retried = 0;
    const auto now = SteadyClock::now();
    while (!slices.empty()) {
        Slice& slice = *slices.pop();
        const bool timed_out = error.code == ErrorCode::TimedOut || now >= slice.deadline;
        if (slice.retries_left > 0 && !timed_out) {
            --slice.retries_left;
            ++retried;
            queue_.push(&slice);
        } else {
            finish(slice, timed_out ? TaskStatus::TIMEOUT : TaskStatus::FAILED, false);
        }
    }
    return retried;
}

void Lane::bury(ClientConnection& connection) {
    if (&connection == lasting_.get()) shown_ = false;
    context_.connections.fetch_sub(1, std::memory_order_relaxed);
    if (&connection == lasting_.get()) {
        context_.graveyard.push_back(std::move(lasting_));
        return;
    }
    const auto found = std::ranges::find_if(singles_, [&](const auto& single) { return single.get() == &connection; });
    if (found == singles_.end()) return;
    context_.graveyard.push_back(std::move(*found));
    singles_.erase(found);
}

void Lane::checkDeadlines(SteadyClock::time_point now) {
    if (lasting_) lasting_->checkDeadline(now);
    for (std::size_t i = singles_.size(); i-- > 0;) {
        if (i < singles_.size()) singles_[i]->checkDeadline(now);
    }
    for (SliceQueue overdue = queue_.takeOverdue(now); !overdue.empty();) {
        finish(*overdue.pop(), TaskStatus::TIMEOUT, false);
    }
}

void Lane::excuse(SteadyClock::duration held_up) {
    if (lasting_) lasting_->excuse(held_up);
    for (const auto& single : singles_) {
        single->excuse(held_up);
    }
}

void Lane::cancel() {
    const auto drop = [this](std::unique_ptr<ClientConnection>& connection) {
        SliceQueue unfinished = connection->takeUnfinished();
        context_.connections.fetch_sub(1, std::memory_order_relaxed);
        connection.reset();  // First nothing can touch the memory any more, then it is given back.
        queue_.append(unfinished);
    };
    if (lasting_) drop(lasting_);
    for (auto& single : singles_) {
        drop(single);
    }
    singles_.clear();
    while (!queue_.empty()) {
        finish(*queue_.pop(), TaskStatus::CANCELED, false);
    }
}

}  // namespace mc::tcp
