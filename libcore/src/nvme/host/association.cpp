#include "nvme/host/association.h"

#include <fmt/format.h>
#include <nvme/types.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "nvme/host/admin_commands.h"
#include "nvme/host/status.h"

namespace mc::nvme::host {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr std::chrono::milliseconds kReadyPoll{20};
// Of an admin queue, by the TCP transport's specification; I/O queues take as much of fabrics commands.
constexpr std::uint32_t kConnectInCapsuleBytes = 8192;
constexpr std::uint32_t kTimeoutUnit = 500;  // Milliseconds, of CAP.TO.
// The largest command to a controller that sets no limit: many have trouble with more.
constexpr std::uint32_t kUnlimitedTransfer = 1U << 20;

std::uint32_t ticks(std::chrono::milliseconds time) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time / kTick, 1, INT32_MAX));
}

template <std::size_t Size>
void copyName(char (&to)[Size], const std::string& from) {
    std::memcpy(to, from.data(), std::min(from.size(), Size - 1));
}

}  // namespace

Result<std::unique_ptr<Association>> Association::start(io::EventLoop& loop, Owner& owner, AssociationSetup setup) {
    std::unique_ptr<Association> made(new Association(loop, owner, std::move(setup)));
    const AssociationSetup& use = made->setup_;
    auto queue = Queue::start(loop, *made,
                              {.address = use.address,
                               .name = made->place_,
                               .entries = kAdminQueueMinEntries,
                               .in_capsule_bytes = kConnectInCapsuleBytes,
                               .header_digest = use.options.header_digest,
                               .data_digest = use.options.data_digest,
                               .congestion = use.options.congestion});
    if (!queue) return std::unexpected(queue.error());
    made->admin_queue_ = std::move(*queue);
    const auto fail = [raw = made.get()](const Error& error) { raw->end(error); };
    made->admin_ = std::make_unique<AdminChannel>(*made->admin_queue_, fail);
    made->reader_ = std::make_unique<NamespaceReader>(
        *made->admin_,
        [raw = made.get()] {
            if (raw->state_ == State::Listing) {
                raw->becomeLive();
            } else {
                raw->owner_.onNamespaces(*raw);
            }
        },
        fail);
    made->armTick();
    return made;
}

Association::Association(io::EventLoop& loop, Owner& owner, AssociationSetup setup)
    : loop_(loop),
      owner_(owner),
      setup_(std::move(setup)),
      place_(setup_.address.toString()),
      ticks_left_(ticks(setup_.options.connect_timeout)) {
    std::ranges::copy(setup_.options.host_id, std::begin(connect_data_.host_id));
    copyName(connect_data_.subsystem_nqn, setup_.subsystem_nqn);
    copyName(connect_data_.host_nqn, setup_.options.host_nqn);
}

Association::~Association() {
    for (const auto timer : {tick_timer_, keep_alive_timer_, ready_timer_}) {
        if (timer != 0) loop_.cancel(timer);
    }
    if (admin_queue_) admin_queue_->endAll();
    for (const auto& queue : queues_) {
        queue->endAll();
    }
}

void Association::onOpen(Queue& queue) {
    if (&queue == admin_queue_.get()) return connectQueue(queue, 0);
    const auto at = std::ranges::find_if(queues_, [&](const auto& own) { return own.get() == &queue; });
    connectQueue(queue, static_cast<std::uint16_t>(at - queues_.begin() + 1));
}

void Association::onClosed(Queue& queue, const Error& error) {
    const auto proof = std::ranges::find(authenticators_, &queue, [](const auto& own) { return &own->queue(); });
    const bool lost = error.code == ErrorCode::Unavailable && proof != authenticators_.end();
    end(lost ? (*proof)->reasonOfEnd().value_or(error) : error);
}

void Association::onServed(Queue& queue) {
    if (&queue != admin_queue_.get() && state_ == State::Live) owner_.onServed(*this);
}

void Association::connectQueue(Queue& queue, std::uint16_t number) {
    ConnectCommand command;
    command.queue_id = number;
    const std::uint16_t entries = number == 0 ? kAdminQueueMinEntries : queue.entries();
    command.queue_size = static_cast<std::uint16_t>(entries - 1);
    // What is under way is bounded by the queue's slots; a read may then end with its last data, without a capsule.
    command.attributes = ConnectCommand::kNoFlowControl;
    if (number == 0) command.keep_alive_timeout = static_cast<std::uint32_t>(setup_.options.keep_alive.count());
    channelOf(number).run(
        {.name = "Connect",
         .entry = std::bit_cast<SubmissionEntry>(command),
         .data = std::as_writable_bytes(std::span(&connect_data_, 1)),
         .to_host = false,
         .may_fail = true},
        [this, &queue, number](const CompletionEntry& answer) { onConnected(queue, number, answer); });
}

void Association::onConnected(Queue& queue, std::uint16_t number, const CompletionEntry& answer) {
    if (answer.statusCode() != 0) {
        return end(connectRefusal(answer, place_, setup_.subsystem_nqn, setup_.options.host_nqn));
    }
    if (number == 0) connect_data_.controller_id = static_cast<std::uint16_t>(answer.result);
    constexpr std::uint32_t kSecureChannelRequired = 1U << 18;  // ASCR.
    if ((answer.result & kSecureChannelRequired) != 0) {
        return end(Error{ErrorCode::Unsupported,
                         fmt::format("{}: {} wants a secure channel, TLS", place_, setup_.subsystem_nqn),
                         {}});
    }
    // A controller that we want a proof of is asked for it, whether or not it asks for ours.
    const bool required = (answer.result & auth::kAuthenticationRequired) != 0;
    if (!required && setup_.options.controller_key.empty()) return onAdmitted(queue, number);
    authenticate(queue, number);
}

void Association::authenticate(Queue& queue, std::uint16_t number) {
    if (setup_.options.key.empty()) {
        return end(Error{ErrorCode::NotPermitted,
                         fmt::format("{}: {} wants to know who we are", place_, setup_.subsystem_nqn),
                         fmt::format("it has to be told a key for {}, and this side, too: --nvmeof-host-key",
                                     setup_.options.host_nqn)});
    }
    auto key = AuthenticationKey::parse(setup_.options.key);
    if (!key) return end(key.error());
    HostAuthenticationOptions options{.host_nqn = setup_.options.host_nqn,
                                      .subsystem_nqn = setup_.subsystem_nqn,
                                      .host_key = std::move(*key),
                                      .transaction = number};
    if (!setup_.options.controller_key.empty()) {
        auto controller_key = AuthenticationKey::parse(setup_.options.controller_key);
        if (!controller_key) return end(controller_key.error());
        options.controller_key = std::move(*controller_key);
    }
    authenticators_.push_back(std::make_unique<Authenticator>(
        channelOf(number),
        Authenticator::Options{options, setup_.options.key_option, setup_.options.controller_key_option},
        [this, &queue, number] { onAdmitted(queue, number); }, [this](const Error& error) { end(error); }));
    authenticators_.back()->start();
}

void Association::onAdmitted(Queue& queue, std::uint16_t number) {
    if (number == 0) {
        state_ = State::Enabling;
        return readCapabilities();
    }
    queue.allowInCapsule(in_capsule_bytes_);
    if (++connected_queues_ < queues_.size()) return;
    state_ = State::Listing;
    reader_->read();
}

void Association::readCapabilities() {
    admin_->run(propertyGet("Property Get CAP", NVME_REG_CAP, true), [this](const CompletionEntry& answer) {
        capabilities_ = answer.result | (std::uint64_t{answer.result_high} << 32U);
        const std::uint64_t patience = NVME_CAP_TO(capabilities_) * kTimeoutUnit;
        ticks_left_ += ticks(std::chrono::milliseconds(patience));
        enable();
    });
}

void Association::enable() {
    constexpr std::uint32_t kSubmissionEntryShift = 6;  // IOSQES: 64 bytes.
    constexpr std::uint32_t kCompletionEntryShift = 4;  // IOCQES: 16 bytes.
    const auto page = static_cast<std::uint32_t>(NVME_CAP_MPSMIN(capabilities_));
    const std::uint32_t configuration = 1U << NVME_CC_EN_SHIFT | page << NVME_CC_MPS_SHIFT |
                                        kSubmissionEntryShift << NVME_CC_IOSQES_SHIFT |
                                        kCompletionEntryShift << NVME_CC_IOCQES_SHIFT;
    admin_->run(propertySet("Property Set CC", NVME_REG_CC, configuration),
                [this](const CompletionEntry&) { waitReady(); });
}

void Association::waitReady() {
    admin_->run(propertyGet("Property Get CSTS", NVME_REG_CSTS, false), [this](const CompletionEntry& answer) {
        if (NVME_CSTS_CFS(answer.result) != 0) {
            return end(Error{ErrorCode::Unavailable, fmt::format("{}: the controller has a fatal status", place_), {}});
        }
        if (NVME_CSTS_RDY(answer.result) != 0) return describe();
        ready_timer_ = loop_.at(SteadyClock::now() + kReadyPoll, [this] {
            ready_timer_ = 0;
            waitReady();
        });
    });
}

void Association::describe() {
    state_ = State::Configuring;
    admin_->run(identify("Identify Controller", NVME_IDENTIFY_CNS_CTRL, 0, page_),
                [this](const CompletionEntry&) { onDescribed(); });
}

void Association::onDescribed() {
    const auto& identity = *reinterpret_cast<const nvme_id_ctrl*>(page_.data());
    const unsigned page_shift = 12U + static_cast<unsigned>(NVME_CAP_MPSMIN(capabilities_));
    const unsigned shift = page_shift + identity.mdts;
    constexpr unsigned kMostShift = 30;
    max_transfer_bytes_ = identity.mdts == 0 ? kUnlimitedTransfer : 1U << std::min(shift, kMostShift);
    // IOCCSZ counts what a command takes of a capsule, in 16 bytes. Data elsewhere than behind it is not for us.
    constexpr std::uint32_t kUnit = 16;
    const std::uint64_t capsule = std::uint64_t{identity.ioccsz} * kUnit;
    if (identity.icdoff == 0 && capsule > sizeof(SubmissionEntry)) {
        in_capsule_bytes_ =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(capsule - sizeof(SubmissionEntry), max_transfer_bytes_));
    }
    event_kinds_ = identity.oaes;
    keepAliveLater();
    if (setup_.discovery) return becomeLive();
    configureQueues();
}

void Association::configureQueues() {
    const auto wanted = static_cast<std::uint32_t>(std::clamp(setup_.options.io_queues, 1, 0xffff)) - 1;
    admin_->run(setFeatures("Set Features Number of Queues", NVME_FEAT_FID_NUM_QUEUES, wanted | wanted << 16U),
                [this, wanted](const CompletionEntry& answer) {
                    configureEvents();
                    openQueues(std::min({wanted, answer.result & 0xffffU, answer.result >> 16U}) + 1);
                });
}

void Association::configureEvents() {
    constexpr std::uint32_t kNamespaceAttributes = 1U << 8;
    if ((event_kinds_ & kNamespaceAttributes) == 0) return;
    AdminCommand command =
        setFeatures("Set Features Asynchronous Events", NVME_FEAT_FID_ASYNC_EVENT, kNamespaceAttributes);
    command.may_fail = true;
    admin_->run(command, [this](const CompletionEntry& answer) {
        if (answer.statusCode() == 0) requestEvent();
    });
}

void Association::openQueues(std::uint32_t count) {
    if (state_ == State::Ended) return;
    state_ = State::Opening;
    const std::uint64_t most = NVME_CAP_MQES(capabilities_) + 1;
    const auto entries = static_cast<std::uint16_t>(
        std::clamp<std::uint64_t>(setup_.options.queue_entries, 2,
                                  std::max<std::uint64_t>(std::min<std::uint64_t>(most, Queue::kMostEntries), 2)));
    for (std::uint32_t i = 0; i < count; ++i) {
        auto queue = Queue::start(loop_, *this,
                                  {.address = setup_.address,
                                   .name = fmt::format("{} queue {}", place_, i + 1),
                                   .entries = entries,
                                   .in_capsule_bytes = kConnectInCapsuleBytes,
                                   .header_digest = setup_.options.header_digest,
                                   .data_digest = setup_.options.data_digest,
                                   .congestion = setup_.options.congestion});
        if (!queue) return end(queue.error());
        queues_.push_back(std::move(*queue));
        channels_.push_back(
            std::make_unique<AdminChannel>(*queues_.back(), [this](const Error& error) { end(error); }));
    }
}

void Association::becomeLive() {
    state_ = State::Live;
    owner_.onLive(*this);
}

Queue* Association::queueWithRoom() {
    for (std::size_t i = 0; i < queues_.size(); ++i) {
        Queue& queue = *queues_[next_queue_];
        next_queue_ = next_queue_ + 1 == queues_.size() ? 0 : next_queue_ + 1;
        if (!queue.full()) return &queue;
    }
    return nullptr;
}

void Association::flush() {
    for (std::size_t i = 0; i < queues_.size() && state_ == State::Live; ++i) {
        queues_[i]->flush();
    }
    if (tick_timer_ == 0) armTick();
}

// One is always with the controller, to be answered when something happens.
void Association::requestEvent() {
    AdminCommand command{
        .name = "Asynchronous Event Request", .entry = {}, .data = {}, .may_fail = true, .patient = true};
    command.entry.opcode = nvme_admin_async_event;
    admin_->run(command, [this](const CompletionEntry& answer) { onEvent(answer); });
}

void Association::onEvent(const CompletionEntry& answer) {
    if (answer.statusCode() != 0) return;
    const unsigned type = answer.result & 7U;
    const unsigned what = (answer.result >> 8U) & 0xffU;
    requestEvent();
    if (type != NVME_AER_NOTICE || what != NVME_AER_NOTICE_NS_CHANGED) return;
    // Reading the log page allows the next event of the kind. What it tells, the namespaces themselves tell better.
    AdminCommand command = getLogPage("Get Log Page Changed Namespaces", NVME_LOG_LID_CHANGED_NS, 0, page_);
    command.may_fail = true;
    admin_->run(command, [this](const CompletionEntry&) { reader_->read(); });
}

void Association::keepAliveLater() {
    if (setup_.options.keep_alive.count() == 0) return;
    keep_alive_timer_ = loop_.at(SteadyClock::now() + setup_.options.keep_alive / 2, [this] {
        keep_alive_timer_ = 0;
        keepAlive();
    });
}

void Association::keepAlive() {
    AdminCommand command{.name = "Keep Alive", .entry = {}, .data = {}};
    command.entry.opcode = nvme_admin_keep_alive;
    admin_->run(command, [this](const CompletionEntry&) { keepAliveLater(); });
    if (state_ != State::Ended && tick_timer_ == 0) armTick();
}

void Association::armTick() {
    tick_timer_ = loop_.at(SteadyClock::now() + kTick, [this] {
        tick_timer_ = 0;
        tick();
    });
}

// Looks after time limits while anything has one.
void Association::tick() {
    if (state_ != State::Live && --ticks_left_ == 0) {
        return end(Error{ErrorCode::TimedOut,
                         fmt::format("{}: no connection to {} within {} ms", place_, setup_.subsystem_nqn,
                                     setup_.options.connect_timeout.count()),
                         {}});
    }
    const std::uint32_t limit = ticks(setup_.options.io_timeout);
    bool waiting = state_ != State::Live;
    const auto look_after = [&](Queue& queue) {
        queue.tick(limit);
        waiting = waiting || queue.hasLimitedCommands();
    };
    look_after(*admin_queue_);
    for (std::size_t i = 0; i < queues_.size() && state_ != State::Ended; ++i) {
        look_after(*queues_[i]);
    }
    if (state_ != State::Ended && waiting) armTick();
}

void Association::end(const Error& error) {
    if (std::exchange(state_, State::Ended) == State::Ended) return;
    for (auto* const timer : {&tick_timer_, &keep_alive_timer_, &ready_timer_}) {
        if (*timer != 0) loop_.cancel(std::exchange(*timer, 0));
    }
    admin_queue_->close(error);
    for (const auto& queue : queues_) {
        queue->close(error);
    }
    owner_.onEnded(*this, error);
}

void Association::endAll() {
    admin_queue_->endAll();
    for (const auto& queue : queues_) {
        queue->endAll();
    }
}

}  // namespace mc::nvme::host
