#include "metadata/redis_reader.h"

#include <fmt/format.h>
#include <hiredis.h>

#include <new>
#include <utility>

#include "base/errors.h"

namespace mc::metadata {
namespace {

// How much of the reply that is being read is there.
struct Progress {
    std::uint64_t bytes = 0;
    std::uint64_t elements = 0;
    bool too_many = false;
};

// Where the reply of this task goes: into its array, else it is a new one that the reader owns. Null to give up; no
// exception may pass through hiredis.
RedisReply* place(const redisReadTask* task, RedisReply reply) noexcept {
    auto& progress = *static_cast<Progress*>(task->privdata);
    progress.bytes += reply.text.size();
    try {
        if (task->parent == nullptr) return std::make_unique<RedisReply>(std::move(reply)).release();
        auto& array = *static_cast<RedisReply*>(task->parent->obj);
        RedisReply& item = array.items.at(static_cast<std::size_t>(task->idx));
        item = std::move(reply);
        return &item;
    } catch (const std::exception&) {
        return nullptr;
    }
}

RedisReply::Kind kindOf(int type) {
    switch (type) {
        case REDIS_REPLY_STATUS:
            return RedisReply::Kind::Status;
        case REDIS_REPLY_ERROR:
            return RedisReply::Kind::Error;
        default:
            return RedisReply::Kind::Text;
    }
}

void* createString(const redisReadTask* task, char* text, std::size_t length) {
    try {
        return place(task, {.kind = kindOf(task->type), .text = std::string(text, length), .items = {}});
    } catch (const std::exception&) {
        return nullptr;
    }
}

// The number's type has changed between the versions of hiredis.
template <typename Count>
void* createArray(const redisReadTask* task, Count count) {
    auto& progress = *static_cast<Progress*>(task->privdata);
    progress.elements += static_cast<std::uint64_t>(count);
    progress.too_many = progress.elements > RedisReader::kMaxElements;
    if (progress.too_many) return nullptr;
    try {
        return place(task, {.kind = RedisReply::Kind::Array,
                            .text = {},
                            .items = std::vector<RedisReply>(static_cast<std::size_t>(count))});
    } catch (const std::exception&) {
        return nullptr;
    }
}

void* createInteger(const redisReadTask* task, long long value) {
    return place(task, {.kind = RedisReply::Kind::Integer, .integer = value, .text = {}, .items = {}});
}

void* createNil(const redisReadTask* task) {
    return place(task, {});
}

// Only ever called with a reply that is in no array.
void freeReply(void* reply) {
    const std::unique_ptr<RedisReply> freed(static_cast<RedisReply*>(reply));
}

redisReplyObjectFunctions functions() {
    redisReplyObjectFunctions made{};
    made.createString = createString;
    made.createArray = createArray;
    made.createInteger = createInteger;
    made.createNil = createNil;
#if HIREDIS_MAJOR >= 1
    // Of a protocol that we don't ask for: as if there was no memory.
    made.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* { return nullptr; };
    made.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
#endif
    made.freeObject = freeReply;
    return made;
}

struct CommandFree {
    void operator()(char* command) const { ::redisFreeCommand(command); }
};

struct ReaderFree {
    void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
};

}  // namespace

std::string encodeRedis(RedisCommand command) {
    std::vector<const char*> words;
    std::vector<std::size_t> lengths;
    for (const auto word : command) {
        words.push_back(word.data() == nullptr ? "" : word.data());
        lengths.push_back(word.size());
    }
    char* bytes = nullptr;
    const auto length = ::redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), words.data(), lengths.data());
    const std::unique_ptr<char, CommandFree> owned(bytes);
    if (length < 0) throw std::bad_alloc();
    return {bytes, static_cast<std::size_t>(length)};
}

class RedisReader::Impl {
  public:
    Impl() : functions_(functions()), reader_(::redisReaderCreateWithFunctions(&functions_)) {
        if (!reader_) throw std::bad_alloc();
        reader_->privdata = &progress_;
    }

    void feed(std::string_view bytes) { ::redisReaderFeed(reader_.get(), bytes.data(), bytes.size()); }

    bool hasRest() const { return reader_->len != reader_->pos; }

    Result<std::optional<RedisReply>> next(std::uint64_t max_bytes) {
        void* found = nullptr;
        if (::redisReaderGetReply(reader_.get(), &found) != REDIS_OK) {
            const auto* problem = progress_.too_many ? "a reply with too many elements" : reader_->errstr;
            return fail(ErrorCode::Protocol, fmt::format("not Redis: {}", problem), "is the port right?");
        }
        if (found == nullptr && progress_.bytes + (reader_->len - reader_->pos) <= max_bytes) return std::nullopt;
        const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(found));
        if (std::exchange(progress_, {}).bytes > max_bytes || !reply) {
            return fail(ErrorCode::BadData, fmt::format("the reply is longer than {} bytes", max_bytes),
                        "the longest value to accept is an option (metadata_max_value)");
        }
        return std::move(*reply);
    }

  private:
    redisReplyObjectFunctions functions_;
    Progress progress_;
    std::unique_ptr<redisReader, ReaderFree> reader_;  // Refers to both.
};

RedisReader::RedisReader() : impl_(std::make_unique<Impl>()) {}

RedisReader::~RedisReader() = default;

void RedisReader::feed(std::string_view bytes) {
    impl_->feed(bytes);
}

bool RedisReader::hasRest() const {
    return impl_->hasRest();
}

Result<std::optional<RedisReply>> RedisReader::next(std::uint64_t max_bytes) {
    return impl_->next(max_bytes);
}

}  // namespace mc::metadata
