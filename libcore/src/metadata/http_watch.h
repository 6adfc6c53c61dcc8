#pragma once

#include <memory>
#include <optional>
#include <string>

#include "metadata/http_lines.h"
#include "metadata/http_url.h"
#include "metadata/store.h"
#include "metadata/store_options.h"

namespace mc::metadata {

/// A watch over a connection of its own. Changes that are not taken wait at the server, which gives up at some point.
class HttpWatch : public Watch {
  public:
    static Result<std::unique_ptr<Watch>> open(const HttpUrl& url, std::string_view prefix, const StoreOptions& options,
                                               Deadline deadline);

    Result<std::optional<Event>> next(Deadline deadline) override;
    void cancel() override { lines_->cancel(); }

  private:
    HttpWatch(std::unique_ptr<HttpLines> lines, std::string_view prefix) : prefix_(prefix), lines_(std::move(lines)) {}

    const std::string prefix_;
    const std::unique_ptr<HttpLines> lines_;
    std::optional<Error> ended_;
};

}  // namespace mc::metadata
