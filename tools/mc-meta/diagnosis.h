#pragma once

#include <string>
#include <string_view>

#include "config/values.h"
#include "metadata/handshake_client.h"

namespace mc::meta {

/// How long an owner has, by --probe-timeout.
metadata::HandshakeCallOptions probeOptions(const config::Values& values);

/// A command that looks where this one was told to look: "mc-meta ", `verb` with its options, those of them that the
/// command line had for that, and `argument`, quoted, if there is one.
std::string nextCommand(const config::Values& values, std::string_view verb, std::string_view argument);

/// The current time in UTC, as strftime() formats it.
std::string utcTime(const char* format);

/// Whether all servers that the URL names are at loopback addresses.
bool isHere(std::string_view url);

/// Whether owners at loopback addresses are on this machine, by --loopback-is-here and the metadata server.
bool loopbackIsHere(const config::Values& values);

}  // namespace mc::meta
