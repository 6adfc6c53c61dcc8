#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mc/error.h"

#include "base/futex.h"
#include "metadata/etcd_refusal.h"
#include "metadata/http_client.h"
#include "metadata/http_lines.h"
#include "metadata/store_options.h"

namespace mc::metadata::etcd {

/// A call of the JSON gateway.
struct Call {
    std::string_view path;  ///< "/v3/kv/range".
    std::string body;
    bool repeatable = false;      ///< Doing it twice is as good as once.
    std::uint64_t max_reply = 0;  ///< Bytes.
};

/// Calls the members of a cluster: the one that answered last, else the next ones, with a token of the user, if there
/// is one. A call that is not repeatable only goes to the next member if nothing of it was done. From any thread.
class Client {
  public:
    /// `urls`: at least one, without a slash at the end.
    Client(std::vector<std::string> urls, const StoreOptions& options);

    /// The reply to a call that went well.
    Result<std::string> call(const Call& call, Deadline deadline);

    /// A reply that goes on, and whose it is.
    struct Stream {
        std::unique_ptr<HttpLines> lines;
        std::string url;
    };
    Result<Stream> stream(const Call& call, Deadline deadline);

  private:
    // What one member has made of a call.
    template <typename T>
    struct Answer {
        Result<T> result;
        Remedy remedy = Remedy::None;
    };
    using Member = std::size_t;

    template <typename T>
    Result<T> ask(const Call& call, Deadline deadline, Answer<T> (Client::*askOne)(Member, const Call&, Deadline));
    template <typename T>
    Answer<T> askWithToken(Member member, const Call& call, Deadline deadline,
                           Answer<T> (Client::*askOne)(Member, const Call&, Deadline));
    Answer<std::string> callMember(Member member, const Call& call, Deadline deadline);
    Answer<Stream> streamFrom(Member member, const Call& call, Deadline deadline);
    Answer<std::string> authenticate(Member member, Deadline deadline);
    Answer<std::string> refused(Member member, const HttpReply& reply) const;
    HttpRequest requestOf(Member member, const Call& call);
    std::optional<std::string> token();
    void setToken(std::optional<std::string> token);

    const std::vector<std::string> urls_;
    const StoreOptions options_;
    std::vector<std::unique_ptr<HttpClient>> members_;  // As urls_.
    std::atomic<Member> last_ = 0;                      // Which to ask first.
    std::mutex mutex_;
    std::optional<std::string> token_;  // Empty where the cluster wants none.
};

}  // namespace mc::metadata::etcd
