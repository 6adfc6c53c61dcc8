#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "metadata/store.h"

/// A store's keys and values as lines of JSON, the same for every kind of store:
///
///     {"format":"mc-meta dump","prefix":"mooncake/","schema_version":1}
///     {"key":"mooncake/ram/node1","value":"{\"buffers\":[]}"}
///     {"entries":1}
///
/// Entries are in the order of their keys' bytes, once each. What is not UTF-8 stands as "key_base64" or
/// "value_base64". Without the last line, a dump is not whole.
namespace mc::metadata {

struct DumpEntry {
    std::string key;
    std::string value;
};

std::string dumpHeader(std::string_view prefix);
std::string dumpLine(std::string_view key, std::string_view value);
std::string dumpEnd(std::uint64_t entries);

/// Hands the dump of all keys below `prefix` to `sink`, a page at a time. Returns how many entries it has; if it is
/// stopped, what was handed over lacks its last line. An error of `sink` ends it.
Result<std::uint64_t> writeDump(Store& store, std::string_view prefix,
                                const std::function<Result<void>(std::string_view)>& sink, Deadline deadline,
                                const std::stop_token& stop);

/// Reads a dump once, from where `stream` is. Every error names `name` and the line.
class DumpReader {
  public:
    DumpReader(std::istream& stream, std::string name) : stream_(stream), name_(std::move(name)) {}

    /// The next entry; nothing after the last one. BadData: it is no dump, not whole, or out of order. Io: it can't be
    /// read.
    Result<std::optional<DumpEntry>> next();

  private:
    Result<std::string> line();
    Result<void> header();
    Result<void> end(std::uint64_t entries);
    std::unexpected<Error> complain(std::string_view problem, std::string hint = {}) const;

    std::istream& stream_;
    std::string name_;
    std::uint64_t line_ = 0;
    std::uint64_t entries_ = 0;
    std::string last_key_;
};

}  // namespace mc::metadata
