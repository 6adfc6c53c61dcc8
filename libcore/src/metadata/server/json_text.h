#pragma once

#include <string>
#include <string_view>

#include "metadata/store.h"

namespace mc::metadata::server {

/// The document that answers a listing.
std::string pageDocument(const Page& page);

/// The first line of a watch, with its newline.
std::string watchingLine(std::string_view prefix, std::string_view revision);

/// A change as a line of a watch.
std::string eventLine(const Event& event);

/// {"status":"ok"}, or with an error's message.
std::string healthDocument(const Result<void>& health);

}  // namespace mc::metadata::server
