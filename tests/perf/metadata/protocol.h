#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace mc::perf {

/// How a server is asked, and where its replies end.
class Protocol {
  public:
    Protocol() = default;
    Protocol(const Protocol&) = delete;
    Protocol& operator=(const Protocol&) = delete;
    virtual ~Protocol() = default;

    virtual std::string get(const std::string& key) const = 0;
    virtual std::string set(const std::string& key, const std::string& value) const = 0;
    /// The length of the reply that `bytes` begin with; 0 while it is not complete.
    virtual std::size_t replyLength(std::string_view bytes) const = 0;
    /// Whether a complete reply says that all went well; with `value_size`, that a value of this size came.
    virtual bool isGood(std::string_view reply, std::size_t value_size) const = 0;
};

/// "http" (a metadata server of Mooncake's kind), "redis", "etcd" (its JSON gateway); null for others.
std::unique_ptr<Protocol> protocolNamed(std::string_view name);

}  // namespace mc::perf
