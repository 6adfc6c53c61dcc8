#include "nvme/host/host_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/socket.h"
#include "nvme/host/host_nqn.h"
#include "nvme/wire/fabrics.h"

namespace mc::nvme {

std::unique_ptr<HostController> HostController::start(io::EventLoop& loop, Owner& owner,
                                                      std::vector<io::SocketAddress> addresses,
                                                      std::string subsystem_nqn, const HostOptions& options,
                                                      std::shared_ptr<SharedState> shared) {
    auto completed = host::withIdentity(options);
    auto controller = std::make_unique<host::Controller>(loop, owner, std::move(addresses), std::move(subsystem_nqn),
                                                         completed ? *completed : options,
                                                         shared ? std::move(shared) : std::make_shared<SharedState>());
    controller->begin(completed ? Result<void>{} : std::unexpected(completed.error()));
    return controller;
}

namespace host {

Controller::Controller(io::EventLoop& loop, HostController::Owner& owner, std::vector<io::SocketAddress> addresses,
                       std::string subsystem_nqn, HostOptions options, std::shared_ptr<SharedState> shared)
    : loop_(loop),
      owner_(owner),
      addresses_(std::move(addresses)),
      subsystem_nqn_(std::move(subsystem_nqn)),
      options_(std::move(options)),
      shared_(std::move(shared)),
      unaligned_(loop, std::shared_ptr<PartialWrites>(shared_, &shared_->partial_writes), *this) {}

Controller::~Controller() {
    cancel();
}

void Controller::begin(const Result<void>& usable) {
    if (usable && !addresses_.empty() && subsystem_nqn_.size() <= kMaxNqnLength) return connect();
    last_error_ = usable ? Error{ErrorCode::InvalidArgument,
                                 fmt::format("connect to {}: {}", subsystem_nqn_,
                                             addresses_.empty() ? "no address" : "the name is too long"),
                                 {}}
                         : usable.error();
    connect_timer_ = loop_.at(SteadyClock::now(), [this] {
        connect_timer_ = 0;
        giveUp(last_error_);
    });
}

void Controller::connect() {
    auto made = Association::start(
        loop_, *this,
        {.address = addresses_[address_ % addresses_.size()], .subsystem_nqn = subsystem_nqn_, .options = options_});
    if (made) {
        association_ = std::move(*made);
        return;
    }
    connect_timer_ = loop_.at(SteadyClock::now(), [this, error = made.error()] {
        connect_timer_ = 0;
        afterLoss(error);
    });
}

void Controller::onLive(Association& /*association*/) {
    attempts_ = 0;
    refused_ = false;
    if (loss_timer_ != 0) loop_.cancel(std::exchange(loss_timer_, 0));
    takeNamespaces();
    state_ = State::Ready;
    // What was asked for on the last association was read by this one.
    waiting_.append(asking_);
    waiting_.append(strangers_);
    owner_.onState(state_, nullptr);
    tellReplaced();
    flush();
}

void Controller::onEnded(Association& association, const Error& error) {
    const bool was_ready = state_ == State::Ready;
    bury(association);
    RequestList not_begun = unaligned_.takeBack();
    waiting_.append(not_begun);
    if (was_ready) {
        state_ = State::Reconnecting;
        attempts_ = 0;
        lost_at_ = SteadyClock::now();
        if (options_.loss_timeout.count() > 0) {
            loss_timer_ = loop_.at(lost_at_ + options_.loss_timeout, [this] {
                loss_timer_ = 0;
                giveUp(last_error_);
            });
            owner_.onState(state_, &error);
        }
    }
    last_error_ = error;
    const bool gives_up = was_ready && options_.loss_timeout.count() == 0;
    if (gives_up) {
        state_ = State::Gone;
        owner_.onState(state_, &error);
    }
    association.endAll();
    endPartlyIssued();
    endParts();
    if (gives_up) {
        endWaiting(HostRequest::Outcome::Lost);
    } else {
        afterLoss(error);
    }
}

// Not destroyed at once: it is calling.
void Controller::bury(Association& association) {
    if (association_.get() != &association) return;
    loop_.post([dead = std::move(association_)] {});
}

void Controller::afterLoss(const Error& error) {
    last_error_ = error;
    ++attempts_;
    if (state_ == State::Connecting) {
        ++address_;
        if (attempts_ >= addresses_.size()) return giveUp(error);
        return connectLater(std::chrono::milliseconds(0));
    }
    if (state_ != State::Reconnecting) return;
    // A target that starts again may have its subsystems a moment later, and one that ends while we prove who we are
    // looks like one that refuses.
    const bool refused = isRefusal(error) && error.code != ErrorCode::NotFound;
    if (std::exchange(refused_, refused) && refused) return giveUp(error);
    if (attempts_ == 1) return connectLater(std::chrono::milliseconds(0));
    ++address_;
    constexpr unsigned kMostDoublings = 4;
    constexpr int kMostTimes = 10;
    const unsigned doublings = std::min(attempts_ - 2, kMostDoublings);
    connectLater(options_.reconnect_delay * std::min(1 << doublings, kMostTimes));
}

void Controller::connectLater(std::chrono::milliseconds delay) {
    connect_timer_ = loop_.at(SteadyClock::now() + delay, [this] {
        connect_timer_ = 0;
        connect();
    });
}

void Controller::giveUp(const Error& cause) {
    state_ = State::Gone;
    for (auto* const timer : {&connect_timer_, &loss_timer_}) {
        if (*timer != 0) loop_.cancel(std::exchange(*timer, 0));
    }
    if (association_) association_->end(cause);
    owner_.onState(state_, &cause);
    endWaiting(HostRequest::Outcome::Lost);
}

void Controller::drop(const Error& cause) {
    if (association_) association_->end(cause);
}

std::string Controller::congestionControl() const {
    if (!association_ || association_->queues().empty()) return {};
    return io::congestionControl(association_->queues().front()->socket());
}

void Controller::cancel() {
    canceled_ = true;
    state_ = State::Gone;
    for (auto* const timer : {&connect_timer_, &loss_timer_}) {
        if (*timer != 0) loop_.cancel(std::exchange(*timer, 0));
    }
    if (association_) association_->end(Error{ErrorCode::Unavailable, "canceled", {}});
    endWaiting(HostRequest::Outcome::Canceled);
}

void Controller::takeNamespaces() {
    namespaces_ = association_->namespaces();
    last_found_ = 0;
    replaced_.clear();
    std::erase_if(namespaces_, [this](const NamespaceInfo& now) {
        const auto first = shared_->identities.check(now);
        if (first) {
            replaced_.push_back(
                {now.nsid,
                 {ErrorCode::NotFound,
                  fmt::format("{}: namespace {} is another one now, {}; it was {}: nothing is transferred",
                              subsystem_nqn_, now.nsid, identityText(now), identityText(*first)),
                  "does another target have this address, or were its files given other numbers?"}});
        }
        return first.has_value();
    });
}

void Controller::tellReplaced() {
    for (const Replaced& replaced : replaced_) {
        owner_.onReplaced(replaced.error);
    }
}

void Controller::onNamespaces(Association& /*association*/) {
    const std::vector<NamespaceInfo> before = namespaces_;
    const std::size_t replaced_before = replaced_.size();
    takeNamespaces();
    if (before != namespaces_) owner_.onNamespaces();
    if (replaced_.size() > replaced_before) tellReplaced();
    while (!asking_.empty()) {
        HostRequest& request = asking_.pop();
        request.asked_again = true;
        (request.part ? parts_ : waiting_).push(request);
    }
    if (!strangers_.empty() && live()) askForStrangers();
    flush();
}

}  // namespace host
}  // namespace mc::nvme
