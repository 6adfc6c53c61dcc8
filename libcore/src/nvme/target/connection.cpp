#include "nvme/target/connection.h"

#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "io/socket.h"
#include "nvme/target/namespace.h"
#include "nvme/target/worker.h"

namespace mc::nvme {
namespace {

// A busy connection gives way to the others of its loop after so many reads.
constexpr int kReceivesPerEvent = 16;
constexpr std::uint64_t kMaxDiscarded = 64 << 20;
constexpr std::chrono::seconds kDrainTime{2};

bool wouldBlock(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

Connection::~Connection() {
    if (socket_) worker_.loop().remove(socket_.get());
}

Result<void> Connection::start() {
    interest_ = EPOLLIN;
    return worker_.loop().add(socket_.get(), interest_, *this);
}

std::string Connection::peer() const {
    return io::peerAddress(socket_).toString();
}

void Connection::onEvents(std::uint32_t events) {
    const bool broken = (events & EPOLLERR) != 0;
    if (broken || !(state_ == State::Draining ? discard() : pump())) return close();
    updateInterest();
}

// Fetches and carries out until there is nothing to do or it is the others' turn, then sends what has come of it: many
// completions in one system call, and one wake-up of the peer. False: the connection is over.
bool Connection::pump() {
    in_pump_ = true;
    unpark();
    bool drained = false;
    for (int receives = 0;; ++receives) {
        const Progress progress = parse();
        if (progress == Progress::Stalled && !stalled_) worker_.stall(*this);
        stalled_ = progress == Progress::Stalled;
        const bool pauses = drained || receives == kReceivesPerEvent;
        if (progress == Progress::Ended || stalled_ || (progress == Progress::NeedsInput && pauses)) break;
        if (progress == Progress::Gone || !receive(drained)) {
            in_pump_ = false;
            return false;
        }
    }
    park();
    in_pump_ = false;
    return flush();
}

void Connection::unpark() {
    if (staging_) return;
    staging_ = worker_.takeStaging();
    std::memcpy(staging_.get(), parked_.data(), parked_bytes_);
    staged_begin_ = 0;
    staged_end_ = std::exchange(parked_bytes_, 0);
}

// What is left is the beginning of a header, or else waits for a buffer.
void Connection::park() {
    const auto left = staged();
    if (left.size() > parked_.size()) return;
    std::memcpy(parked_.data(), left.data(), left.size());
    parked_bytes_ = left.size();
    staged_begin_ = staged_end_ = 0;
    worker_.giveStaging(std::move(staging_));
}

// Among large data only the next header is staged, so that the data behind it are not copied.
std::size_t Connection::receiveRoom() const {
    return asked_for_ > 0 ? kMaxHeaderBytes : Worker::kStagingSize;
}

// `drained`: the socket had less than asked for. False: the connection is over.
bool Connection::receive(bool& drained) {
    std::array<iovec, 2> parts;
    std::size_t count = 0;
    std::uint64_t asked = 0;
    const bool direct = incoming_.active && incoming_.to != nullptr && incoming_.left > 0;
    if (direct) {
        parts[count++] = {incoming_.to, incoming_.left};
        asked = incoming_.left;
    }
    std::memmove(staging_.get(), staging_.get() + staged_begin_, staged_end_ - staged_begin_);
    staged_end_ -= staged_begin_;
    staged_begin_ = 0;
    const std::size_t room = std::max(receiveRoom(), staged_end_ + 1) - staged_end_;
    parts[count++] = {staging_.get() + staged_end_, room};
    asked += room;

    const ssize_t got = ::readv(socket_.get(), parts.data(), static_cast<int>(count));
    if (got == 0) return false;
    if (got < 0) {
        drained = true;
        return wouldBlock(errno);
    }
    ++moves_;
    auto bytes = static_cast<std::uint64_t>(got);
    drained = bytes < asked;
    if (direct) {
        const auto taken = static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, incoming_.left));
        incoming_.to += taken;
        incoming_.left -= taken;
        bytes -= taken;
    }
    staged_end_ += bytes;
    return true;
}

void Connection::markUnsent() {
    if (in_pump_ || unsent_marked_) return;
    unsent_marked_ = true;
    worker_.sendLater(*this);
}

void Connection::sendNow() {
    unsent_marked_ = false;
    if (state_ == State::Over) return;
    if (!flush()) return close();
    updateInterest();
}

// False: the connection is over.
bool Connection::flush() {
    while (!output_.empty()) {
        const auto file = output_.filePart();
        const ssize_t sent = file ? sendFile(*file) : sendParts();
        if (sent < 0) return wouldBlock(errno);
        if (sent == 0) {
            log::warning("nvme target: {}: a file that was being sent has become shorter", peer());
            return false;
        }
        ++moves_;
        output_.consume(static_cast<std::uint64_t>(sent), [this](Output& output) {
            if (output.command != nullptr && output.command->state == Command::State::Sending) release(*output.command);
        });
    }
    if (close_after_sending_) return false;
    if (state_ == State::Closing) startDraining();
    return true;
}

ssize_t Connection::sendParts() {
    std::array<iovec, kMaxParts> parts;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by gather
    bool file_follows = false;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = output_.gather(parts, file_follows);
    return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | (file_follows ? MSG_MORE : 0));
}

ssize_t Connection::sendFile(const OutputQueue::FilePart& part) {
    auto offset = static_cast<off_t>(part.offset);
    return ::sendfile(socket_.get(), part.file, &offset, part.length);
}

void Connection::startDraining() {
    state_ = State::Draining;
    ::shutdown(socket_.get(), SHUT_WR);
    drain_timer_ = worker_.loop().at(SteadyClock::now() + kDrainTime, [this] {
        drain_timer_ = 0;
        close();
    });
}

bool Connection::discard() {
    std::array<std::byte, 16384> sink;  // NOLINT(cppcoreguidelines-pro-type-member-init): nobody reads it
    for (;;) {
        const ssize_t got = ::recv(socket_.get(), sink.data(), sink.size(), 0);
        if (got == 0) return false;
        if (got < 0) return wouldBlock(errno);
        discarded_ += static_cast<std::uint64_t>(got);
        if (discarded_ > kMaxDiscarded) return false;
    }
}

void Connection::closeAfterSending() {
    close_after_sending_ = true;
    markUnsent();
}

void Connection::close() {
    if (state_ == State::Over) return;
    state_ = State::Over;
    if (drain_timer_ != 0) worker_.loop().cancel(drain_timer_);
    worker_.loop().remove(socket_.get());
    socket_.reset();
    commands_->onClose();
    output_.clear();
    table_.forEach([this](Command& command) {
        if (command.state == Command::State::WaitingForBuffer) worker_.stopWaiting(command);
        if (!command.on_device) release(command);
    });
    if (staging_) worker_.giveStaging(std::move(staging_));
    if (on_device_ == 0) worker_.forget(*this);
}

void Connection::updateInterest() {
    if (state_ == State::Over) return;
    const bool readable = state_ == State::Draining || (state_ != State::Closing && !stalled_ && !close_after_sending_);
    const std::uint32_t wanted = (readable ? EPOLLIN : 0U) | (output_.empty() ? 0U : EPOLLOUT);
    if (wanted == interest_) return;
    interest_ = wanted;
    worker_.loop().modify(socket_.get(), wanted);
}

void Connection::resume() {
    if (state_ == State::Over || !stalled_) return;
    stalled_ = false;
    if (!pump()) return close();
    updateInterest();
}

bool Connection::isOpen() const {
    return state_ >= State::Serving && commands_->isOpen();
}

// Something has been begun that only the peer can go on with.
bool Connection::peersTurn() {
    return incoming_.active || (!stalled_ && parked_bytes_ > 0) || !output_.empty();
}

bool Connection::awaitsDataTooLong() {
    const std::uint32_t sweeps = worker_.sweepsOf(worker_.options().stall_timeout);
    bool found = false;
    table_.forEach([&](const Command& command) {
        found =
            found || (command.state == Command::State::AwaitingData && worker_.sweeps() - command.asked_at > sweeps);
    });
    return found;
}

// Others wait for buffers, and in half of the time that a silent peer has, this one has not done its part to give back
// half of those that it had: a trickle of data won't do.
bool Connection::hoards() {
    constexpr int kPart = 2;
    if (!worker_.othersWait(*this)) {
        hoarding_sweeps_ = 0;
        return false;
    }
    if (hoarding_sweeps_++ == 0) {
        std::uint64_t held = 0;
        table_.forEach([&](const Command& command) {
            if (!command.on_device) held += command.buffer.size();
        });
        to_give_back_ = given_back_ + held / kPart;
        return false;
    }
    if (!worker_.lasts(hoarding_sweeps_, worker_.options().stall_timeout / kPart)) return false;
    hoarding_sweeps_ = 0;
    return given_back_ < to_give_back_;
}

bool Connection::overdue() {
    const bool moved = std::exchange(moves_seen_, moves_) != moves_;
    quiet_sweeps_ = moved ? 0 : quiet_sweeps_ + 1;
    ++age_sweeps_;
    if (state_ == State::Draining) return false;  // Its timer runs.
    if (!isOpen()) return worker_.lasts(age_sweeps_, worker_.options().connect_timeout);
    const auto limit = worker_.options().stall_timeout;
    if (limit.count() == 0) return false;
    hoards_ = hoards();
    return hoards_ || (worker_.lasts(quiet_sweeps_, limit) && peersTurn()) || awaitsDataTooLong();
}

void Connection::expire() {
    // What came while this loop was busy elsewhere still counts.
    const std::uint64_t before = moves_;
    const bool goes_on = state_ == State::Draining || stalled_ || pump();
    if (goes_on && moves_ != before && isOpen() && !hoards_ && !awaitsDataTooLong()) return updateInterest();
    log::debug("nvme target: {}: {}, closed", peer(), hoards_ ? "keeps buffers that others wait for" : "nothing moves");
    close();
}

bool Connection::holds(const Namespace& target) {
    bool found = false;
    table_.forEach([&](const Command& command) { found = found || (command.target == &target && !command.on_device); });
    return found;
}

}  // namespace mc::nvme
