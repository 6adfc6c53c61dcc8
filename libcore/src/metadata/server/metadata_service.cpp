#include "metadata/server/metadata_service.h"

#include <utility>

#include "base/utf8.h"
#include "metadata/server/json_text.h"

namespace mc::metadata::server {
namespace {

constexpr std::string_view kNotFound = "metadata not found";

Reply refusal(const Refusal& why) {
    return {.status = why.status, .body = why.reason};
}

Reply failure(Error error) {
    switch (error.code) {
        case ErrorCode::NotFound:
            return {.status = 404, .body = kNotFound};
        case ErrorCode::AlreadyExists:
        case ErrorCode::Busy:
            return {.status = 412, .body = std::move(error.message)};
        case ErrorCode::InvalidArgument:
            return {.status = 400, .body = std::move(error.message)};
        case ErrorCode::Full:
            return {.status = 507, .body = std::move(error.message)};
        default:
            return {.status = 500, .body = std::move(error.message)};
    }
}

Reply wrongMethod(std::string_view allow) {
    return {.status = 405, .body = std::string_view("method not allowed"), .allow = allow};
}

bool isRead(Method method) {
    return method == Method::Get || method == Method::Head;
}

}  // namespace

void MetadataService::handle(const Head& head, std::string body, Answer answer) {
    if (head.path == "/metadata") return serveMetadata(head, std::move(body), std::move(answer));
    answer(observe(head));
}

void MetadataService::serveMetadata(const Head& head, std::string body, Answer answer) {
    if (head.method == Method::Other) return answer(wrongMethod("GET, HEAD, PUT, DELETE"));
    auto request = understand(head, max_key_bytes_);
    if (!request) return answer(refusal(request.error()));
    switch (request->verb) {
        case Request::Verb::Get:
            return answer(get(request->key));
        case Request::Verb::List:
            return answer(list(*request));
        case Request::Verb::Watch:
            return answer(watch(request->key));
        case Request::Verb::Put:
            if (!isUtf8(body)) return answer(refusal({400, "the value is no UTF-8"}));
            return store_.putLater(
                std::string(request->key), std::move(body), std::move(request->precondition),
                [answer = std::move(answer)](Result<std::string> version) mutable {
                    if (!version) return answer(failure(std::move(version.error())));
                    answer({.body = std::string_view("metadata updated"), .version = std::move(*version)});
                });
        case Request::Verb::Remove:
            return store_.removeLater(std::string(request->key), std::move(request->precondition),
                                      [answer = std::move(answer)](Result<std::string> removed) mutable {
                                          if (!removed) return answer(failure(std::move(removed.error())));
                                          answer({.body = std::string_view("metadata deleted")});
                                      });
    }
}

Reply MetadataService::get(std::string_view key) {
    auto found = store_.find(key);
    if (!found) return {.status = 404, .body = kNotFound};
    return {.body = std::move(found->value), .content_type = Reply::kJson, .version = std::to_string(found->version)};
}

Reply MetadataService::list(const Request& request) {
    const auto page = store_.listWithin(request.key, request.limit, request.after, kMaxPageBytes);
    if (!page) return failure(page.error());
    return {.body = pageDocument(*page), .content_type = Reply::kJson};
}

Reply MetadataService::watch(std::string_view prefix) {
    auto stream = hub_.subscribe(prefix);
    if (!stream) return {.status = 503, .body = std::move(stream.error().message)};
    return {.body = std::move(*stream), .content_type = "application/x-ndjson"};
}

Reply MetadataService::observe(const Head& head) {
    const bool health = head.path == "/health";
    if (!health && head.path != "/metrics") return {.status = 404, .body = std::string_view("no such page")};
    if (!isRead(head.method)) return wrongMethod("GET, HEAD");
    if (!health) return {.body = metrics_.text(store_), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
    const auto state = store_.health();
    return {.status = state ? 200U : 503U, .body = healthDocument(state), .content_type = Reply::kJson};
}

}  // namespace mc::metadata::server
