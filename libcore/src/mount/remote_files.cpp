#include "mount/remote_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/errors.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "engine/engine_options.h"
#include "mount/private_store.h"
#include "transport/local_files/local_files_transport.h"

namespace mc::mount {
namespace {

// As often as a transport can: it is the time limit that ends a request.
constexpr int kRetries = std::numeric_limits<std::uint8_t>::max();
// How long a thread that waits does not look whether it shall stop.
constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::milliseconds kProbePause{500};
constexpr std::chrono::seconds kIdleLook{1};
constexpr const char* kSilent = "the target does not answer";
// Behind the callers' memory, of the watcher alone.
constexpr std::size_t kProbeSize = 4096;

EngineOptions withLimits(const RemoteFilesOptions& options) {
    EngineOptions engine = options.engine;
    engine.slice_timeout = options.timeout;
    if (options.timeout.count() > 0) {
        engine.handshake_connect_timeout = std::min(engine.handshake_connect_timeout, options.timeout);
        engine.handshake_reply_timeout = std::min(engine.handshake_reply_timeout, options.timeout);
    }
    return engine;
}

Result<void> join(TransferEngine& engine, const RemoteFilesOptions& options) {
    const std::string host = options.engine.use_ipv6 ? "[::1]" : "127.0.0.1";
    if (!options.store) return engine.init("P2PHANDSHAKE", host);
    const std::string name = fmt::format("mc-mount-{}", ::getpid());
    return engine.init(std::make_shared<PrivateStore>(options.store, name), name,
                       options.engine.use_ipv6 ? "::1" : host);
}

int errnoOf(TaskStatus status) {
    switch (status) {
        case TaskStatus::COMPLETED:
            return 0;
        case TaskStatus::TIMEOUT:
            return ETIMEDOUT;
        case TaskStatus::CANCELED:
            return ESHUTDOWN;
        default:
            return EIO;
    }
}

}  // namespace

Result<std::unique_ptr<RemoteFiles>> RemoteFiles::open(const RemoteFilesOptions& options) {
    auto memory = io::Buffer::allocate(options.memory_size + kProbeSize, {});
    if (!memory) return std::unexpected(memory.error());
    std::unique_ptr<RemoteFiles> remote(new RemoteFiles(options, std::move(*memory)));
    TransferEngine& engine = *remote->engine_;
    if (auto joined = join(engine, options); !joined) return std::unexpected(joined.error());
    if (auto installed = engine.installTransport("nvmeof_generic"); !installed)
        return std::unexpected(installed.error());
    auto local = localfiles::LocalFilesTransport::open(options.server_name, options.engine.nvmeof.workers);
    if (!local) return std::unexpected(local.error());
    if (auto installed = engine.installTransport(std::move(*local)); !installed)
        return std::unexpected(installed.error());
    const auto bytes = remote->memory_.memory();
    if (auto registered = engine.registerLocalMemory(bytes.data(), bytes.size(), "*", false); !registered)
        return std::unexpected(registered.error());
    return remote;
}

RemoteFiles::RemoteFiles(const RemoteFilesOptions& options, io::Buffer memory)
    : memory_(std::move(memory)),
      pages_(options.page_receivers),
      store_(options.store),
      keys_(options.engine.metadata_cluster_id),
      engine_(std::make_unique<TransferEngine>(withLimits(options))) {}

RemoteFiles::~RemoteFiles() {
    stop();
    if (watcher_.joinable()) watcher_.join();
}

std::span<std::byte> RemoteFiles::memory() const {
    return memory_.memory().first(memory_.memory().size() - kProbeSize);
}

Result<SegmentDescriptor> RemoteFiles::describe(const std::string& segment) {
    if (!store_) {
        const auto handle = engine_->openSegment(segment);
        if (!handle) return std::unexpected(handle.error());
        const auto descriptor = engine_->segmentDescriptor(*handle);
        if (!descriptor) return std::unexpected(descriptor.error());
        return **descriptor;
    }
    const auto key = keys_.segment(segment);
    if (!key) return std::unexpected(key.error());
    const auto found = store_->get(*key, storeDeadline(engine_->options()));
    auto descriptor = found ? decodeSegmentDescriptor(found->value) : std::unexpected(found.error());
    if (!descriptor) return std::unexpected(wrap(fmt::format("segment {}", printable(segment)), descriptor.error()));
    return descriptor;
}

Result<void> RemoteFiles::use(const std::string& segment, std::vector<MountedFile> files) {
    const auto handle = engine_->openSegment(segment);
    if (!handle) return std::unexpected(handle.error());
    segment_ = *handle;
    files_ = std::move(files);
    if (auto tried = tryFirstBytes(); !tried)
        return std::unexpected(wrap(fmt::format("segment {}", printable(segment)), tried.error()));
    watcher_ = std::jthread([this](const std::stop_token& token) { watch(token); });
    return {};
}

Result<void> RemoteFiles::tryFirstBytes() {
    for (const MountedFile& file : files_) {
        if (file.size == 0) continue;
        const int error = run({.opcode = Opcode::Read,
                               .source = memory_.memory().last(kProbeSize).data(),
                               .target_id = segment_,
                               .target_offset = file.offset,
                               .length = 1,
                               .advise_retry_cnt = kRetries,
                               .file_id = file.file_id},
                              true);
        if (error == 0) continue;
        const std::string object = fmt::format("file {} ({})", file.number, printable(file.path));
        if (error == ETIMEDOUT) {
            return fail(ErrorCode::TimedOut, fmt::format("{}: its target did not answer in time", object),
                        "is mc-target running there, and reached by this machine? -v says more");
        }
        const auto peer = engine_->peerInfo(segment_);
        if (peer && peer->refusal) return std::unexpected(wrap(object, *peer->refusal));
        const bool told = peer && peer->problem;
        return fail(ErrorCode::Unavailable,
                    fmt::format("{}: can't be read{}", object, told ? ": " + peer->problem->message : ""),
                    told && !peer->problem->hint.empty() ? peer->problem->hint : "-v says more");
    }
    return {};
}

bool RemoteFiles::isReadOnly(const MountedFile& file) const {
    const auto peer = engine_->peerInfo(segment_);
    return peer && std::ranges::binary_search(peer->read_only_files, file.file_id);
}

int RemoteFiles::move(Opcode opcode, const MountedFile& file, std::uint64_t offset, std::span<std::byte> data,
                      io::PageReceiver* pages) {
    const int error = run({.opcode = opcode,
                           .source = data.data(),
                           .target_id = segment_,
                           .target_offset = file.offset + offset,
                           .length = data.size(),
                           .advise_retry_cnt = kRetries,
                           .file_id = file.file_id,
                           .pages = pages},
                          false);
    auto& bytes = opcode == Opcode::Read ? bytes_read_ : bytes_written_;
    if (error == 0) bytes.fetch_add(data.size(), std::memory_order_relaxed);
    return error;
}

int RemoteFiles::read(const MountedFile& file, std::uint64_t offset, std::span<std::byte> data,
                      io::PageReceiver* pages) {
    return move(Opcode::Read, file, offset, data, pages);
}

int RemoteFiles::write(const MountedFile& file, std::uint64_t offset, std::span<std::byte> data) {
    const int error = move(Opcode::Write, file, offset, data);
    return error == EIO && isReadOnly(file) ? EROFS : error;
}

int RemoteFiles::flush(const MountedFile& file) {
    const int error = run({.opcode = Opcode::Flush,
                           .target_id = segment_,
                           .target_offset = file.offset,
                           .length = file.size,
                           .advise_retry_cnt = kRetries,
                           .file_id = file.file_id},
                          false);
    if (error == 0) flushes_.fetch_add(1, std::memory_order_relaxed);
    return error;
}

int RemoteFiles::run(TransferRequest request, bool even_if_gone) {
    if (stopping_.load(std::memory_order_relaxed)) return ESHUTDOWN;
    int error = ETIMEDOUT;
    if (even_if_gone || !gone_.load(std::memory_order_relaxed)) {
        const auto batch = engine_->allocateBatchID(1);
        error = !batch ? ENOMEM : !engine_->submitTransfer(*batch, {&request, 1}) ? EIO : finish(*batch);
    }
    if (error == 0 || even_if_gone) return error;
    failed_.fetch_add(1, std::memory_order_relaxed);
    if (error == ETIMEDOUT && !gone_.load()) setGone(kSilent);
    return error;
}

int RemoteFiles::finish(BatchID batch) {
    for (;;) {
        const auto done = engine_->waitBatch(batch, kLook);
        if (done) break;
        // The engine may touch the memory until it is gone; both outlive whoever waits.
        if (stopping_.load(std::memory_order_relaxed)) return ESHUTDOWN;
    }
    const auto status = engine_->getTransferStatus(batch, 0);
    const int error = status ? errnoOf(status->s) : EIO;
    static_cast<void>(engine_->freeBatchID(batch));
    return error;
}

void RemoteFiles::setGone(std::string why) {
    const std::lock_guard lock(mutex_);
    if (gone_.load()) return;
    log::warning("{}; trying to reach it again", why);
    problem_ = std::move(why);
    gone_.store(true);
    changed_.notify_all();
}

// Whether the target answers, with the files that were mounted.
bool RemoteFiles::comeBack() {
    if (const auto found = engine_->syncSegmentCache(); !found) {
        log::debug("{}", found.error().message);
    }
    const auto descriptor = engine_->segmentDescriptor(segment_);
    if (!descriptor) return false;
    const auto now = planFiles(**descriptor);
    const auto same = [&](const MountedFile& file) {
        return now && std::ranges::any_of(*now, [&](const MountedFile& other) {
                   return other.path == file.path && other.size >= file.size && other.file_id == file.file_id &&
                          other.offset == file.offset;
               });
    };
    if (!std::ranges::all_of(files_, same)) {
        const std::lock_guard lock(mutex_);
        problem_ = "the target has other files than were mounted";
        return false;
    }
    return tryFirstBytes().has_value();
}

// Of connections that nobody uses at the moment, too.
std::string RemoteFiles::lostConnection() const {
    const auto peer = engine_->peerInfo(segment_);
    if (!peer || !peer->problem) return {};
    const ErrorCode code = peer->problem->code;  // Others are answers.
    return code == ErrorCode::Unavailable || code == ErrorCode::TimedOut ? peer->problem->message : std::string();
}

// Else it would stay lost until somebody asks for something.
void RemoteFiles::reconnect() {
    if (stopping_.load() || lostConnection().empty()) return;
    const auto tried = tryFirstBytes();
    if (!tried && tried.error().code == ErrorCode::TimedOut) setGone(kSilent);
}

void RemoteFiles::watch(const std::stop_token& stop) {
    nameThisThread("mc-mount-watch");
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const bool gone = changed_.wait_for(lock, stop, kIdleLook, [this] { return gone_.load(); });
        if (stop.stop_requested()) return;
        lock.unlock();
        const bool back = gone && !stopping_.load() && comeBack();
        if (!gone) reconnect();
        lock.lock();
        if (back) {
            log::info("the target answers again");
            problem_.clear();
            gone_.store(false);
        } else if (gone) {
            changed_.wait_for(lock, stop, kProbePause, [] { return false; });
        }
    }
}

void RemoteFiles::stop() {
    stopping_.store(true);
    engine_->stopWaiting();
    watcher_.request_stop();
}

RemoteFilesCounters RemoteFiles::counters() const {
    return {.bytes_read = bytes_read_.load(std::memory_order_relaxed),
            .bytes_written = bytes_written_.load(std::memory_order_relaxed),
            .flushes = flushes_.load(std::memory_order_relaxed),
            .failed = failed_.load(std::memory_order_relaxed)};
}

std::string RemoteFiles::problem() const {
    {
        const std::lock_guard lock(mutex_);
        if (!problem_.empty()) return problem_;
    }
    return lostConnection();
}

}  // namespace mc::mount
