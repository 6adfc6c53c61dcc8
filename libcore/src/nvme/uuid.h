#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mc::nvme {

using Uuid = std::array<std::uint8_t, 16>;

/// The same for the same text, on every machine and after every restart; nothing can be read from it. A UUID of
/// version 8 (RFC 9562), made of the text's SHA-256.
Uuid uuidOf(std::string_view text);

/// "5c3e0c1a-...", in lower case.
std::string formatUuid(const Uuid& uuid);

/// Reads that form, in any case.
std::optional<Uuid> parseUuid(std::string_view text);

}  // namespace mc::nvme
