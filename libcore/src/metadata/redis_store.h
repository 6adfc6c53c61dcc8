#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "metadata/redis_client.h"
#include "metadata/smallest_keys.h"
#include "metadata/store.h"
#include "metadata/store_options.h"

namespace mc::metadata {

/// A Redis server. Keys and values are there as they are here, which is how Mooncake's programs know them.
///
/// Redis keeps no versions: that of a value is made of its content (contentVersion). A precondition is checked and the
/// change made in one step, by a script; what it says is that the value is the one that was read, or was so again. The
/// same value under two keys, or put twice, has the same version.
///
/// SCAN knows neither order nor pages. A listing scans all keys, keeps the first kKeysOfScan that are not listed yet,
/// and scans again where there are more: 100,000 keys are scanned five times, and no listing takes more memory than
/// that. What holds no plain value is not listed.
class RedisStore : public Store {
  public:
    static constexpr std::size_t kKeysOfScan = 20'000;
    static constexpr std::size_t kBytesOfScan = 4 << 20;

    /// Does not talk to the server yet. InvalidArgument for what is no redis:// URI.
    static Result<std::unique_ptr<Store>> open(std::string_view uri, const StoreOptions& options);

    Result<VersionedValue> get(std::string_view key, Deadline deadline) override;
    Result<std::string> put(std::string_view key, std::string_view value, const Precondition& precondition,
                            Deadline deadline) override;
    Result<void> remove(std::string_view key, const Precondition& precondition, Deadline deadline) override;
    /// Each request to the server has StoreOptions::timeout for itself.
    Result<Page> list(std::string_view prefix, std::size_t limit, std::string_view continuation,
                      Deadline deadline) override;
    /// Looks once a second: see RedisWatch.
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Deadline deadline) override;

  private:
    /// The keys that come after a page.
    struct Listing {
        std::string prefix;
        std::string continuation;
        SmallestKeys keys{kKeysOfScan, kBytesOfScan};
    };

    RedisStore(RedisServer server, std::uint64_t max_value) : client_(std::move(server)), max_value_(max_value) {}
    Result<bool> runScript(std::string_view script, const std::vector<std::string_view>& arguments, Deadline deadline);
    Result<Listing> continueListing(std::string_view prefix, std::string_view continuation, Deadline deadline);
    Result<Listing> scan(std::string_view prefix, std::string_view continuation, Deadline deadline);
    void keepListing(Listing listing);

    RedisClient client_;
    const std::uint64_t max_value_;
    std::mutex listings_mutex_;
    std::vector<Listing> listings_;  // Oldest first.
};

}  // namespace mc::metadata
