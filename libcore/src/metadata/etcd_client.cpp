#include "metadata/etcd_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "metadata/etcd_replies.h"
#include "metadata/etcd_requests.h"

namespace mc::metadata::etcd {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kShortReply = 64 << 10;
// A watch has its own sign of life.
constexpr milliseconds kNoLongestSilence = milliseconds::max();

// Members that can't be reached leave time for those that can.
StoreOptions optionsOfOne(StoreOptions options, std::size_t members) {
    const milliseconds share = options.timeout / static_cast<milliseconds::rep>(members);
    options.connect_timeout = std::min(options.connect_timeout, std::max(share, milliseconds(1)));
    return options;
}

}  // namespace

Client::Client(std::vector<std::string> urls, const StoreOptions& options)
    : urls_(std::move(urls)), options_(optionsOfOne(options, urls_.size())) {
    for (const std::string& url : urls_)
        members_.push_back(std::make_unique<HttpClient>(options_, url));
}

Result<std::string> Client::call(const Call& call, Deadline deadline) {
    return ask(call, deadline, &Client::callMember);
}

Result<Client::Stream> Client::stream(const Call& call, Deadline deadline) {
    return ask(call, deadline, &Client::streamFrom);
}

template <typename T>
Result<T> Client::ask(const Call& call, Deadline deadline, Answer<T> (Client::*askOne)(Member, const Call&, Deadline)) {
    const Member first = last_.load();
    std::string problems;  // Of each member that was asked.
    for (std::size_t tried = 0; tried < urls_.size(); ++tried) {
        const Member member = (first + tried) % urls_.size();
        Deadline until = deadline;
        if (deadline && call.repeatable)
            until = SteadyClock::now() + (*deadline - SteadyClock::now()) / static_cast<int>(urls_.size() - tried);
        auto answer = askWithToken(member, call, until, askOne);
        if (answer.result) {
            last_.store(member);
            return std::move(answer.result);
        }
        // Also if this call ends here: one that is stuck is not to get all that come after it.
        if (answer.remedy != Remedy::None) last_.store((member + 1) % urls_.size());
        const bool next =
            answer.remedy == Remedy::OtherMember || (answer.remedy == Remedy::RepeatIfRead && call.repeatable);
        Error error = std::move(answer.result.error());
        error.message = problems + error.message;
        if (!next || tried + 1 == urls_.size()) return std::unexpected(std::move(error));
        problems = error.message + "; ";
    }
    return fail(ErrorCode::Internal, "no member of the cluster is known");
}

template <typename T>
Client::Answer<T> Client::askWithToken(Member member, const Call& call, Deadline deadline,
                                       Answer<T> (Client::*askOne)(Member, const Call&, Deadline)) {
    if (options_.username.empty()) return (this->*askOne)(member, call, deadline);
    for (bool renewed = token() == std::nullopt;; renewed = true) {
        if (!token()) {
            auto made = authenticate(member, deadline);
            if (!made.result) return {std::unexpected(made.result.error()), made.remedy};
            setToken(std::move(*made.result));
        }
        auto answer = (this->*askOne)(member, call, deadline);
        if (answer.result || answer.remedy != Remedy::NewToken || renewed) return answer;
        setToken(std::nullopt);
    }
}

Client::Answer<std::string> Client::authenticate(Member member, Deadline deadline) {
    const Call call{.path = "/v3/auth/authenticate",
                    .body = authenticateRequest(options_.username, options_.password),
                    .repeatable = true,
                    .max_reply = kShortReply};
    auto answer = callMember(member, call, deadline);
    // As etcdctl does: who has a password may always show it.
    if (!answer.result && answer.result.error().message.contains("authentication is not enabled"))
        return {.result = ""};
    // It changes nothing: where it fails, another member may do the call.
    if (answer.remedy == Remedy::RepeatIfRead) answer.remedy = Remedy::OtherMember;
    if (!answer.result) return answer;
    auto token = decodeToken(*answer.result);
    if (!token) token = std::unexpected(wrap(fmt::format("metadata server {}", urls_[member]), token.error()));
    return {.result = std::move(token)};
}

Client::Answer<std::string> Client::callMember(Member member, const Call& call, Deadline deadline) {
    auto exchange = members_[member]->exchange(requestOf(member, call), deadline);
    if (!exchange.reply) {
        // A reply that is too long is so everywhere.
        const bool final = exchange.reply.error().code == ErrorCode::BadData;
        return {.result = std::unexpected(exchange.reply.error()),
                .remedy = final           ? Remedy::None
                          : exchange.sent ? Remedy::RepeatIfRead
                                          : Remedy::OtherMember};
    }
    if (exchange.reply->status != 200) return refused(member, *exchange.reply);
    return {.result = std::move(exchange.reply->body)};
}

Client::Answer<Client::Stream> Client::streamFrom(Member member, const Call& call, Deadline deadline) {
    auto lines = HttpLines::open(requestOf(member, call), options_, urls_[member], kNoLongestSilence, deadline);
    if (!lines) return {.result = std::unexpected(lines.error()), .remedy = Remedy::RepeatIfRead};
    if (const HttpReply reply = (*lines)->reply(); reply.status != 200) {
        const auto answer = refused(member, reply);
        return {.result = std::unexpected(answer.result.error()), .remedy = answer.remedy};
    }
    return {.result = Stream{.lines = std::move(*lines), .url = urls_[member]}};
}

Client::Answer<std::string> Client::refused(Member member, const HttpReply& reply) const {
    auto refusal = refusalOf(reply);
    return {.result = std::unexpected(wrap(fmt::format("metadata server {}", urls_[member]), std::move(refusal.error))),
            .remedy = refusal.remedy};
}

HttpRequest Client::requestOf(Member member, const Call& call) {
    HttpRequest request{.method = HttpRequest::Method::Post,
                        .url = urls_[member] + std::string(call.path),
                        .body = call.body,
                        .max_reply = call.max_reply};
    // A member without a leader says so at once, and ends watches, instead of keeping all waiting.
    request.headers.emplace_back("Grpc-Metadata-hasleader: true");
    if (const auto known = token(); known && !known->empty()) request.headers.push_back("Authorization: " + *known);
    return request;
}

std::optional<std::string> Client::token() {
    const std::lock_guard lock(mutex_);
    return token_;
}

void Client::setToken(std::optional<std::string> token) {
    const std::lock_guard lock(mutex_);
    token_ = std::move(token);
}

}  // namespace mc::metadata::etcd
