#pragma once

#include <expected>
#include <string>

namespace mc {

/// What went wrong, in the words of a caller that wants to react to it.
enum class ErrorCode {
    Negative,         ///< The call ran well and the answer is no: not equal, below the asked figure.
    NotFound,         ///< The named object does not exist.
    InvalidArgument,  ///< A parameter is outside of what the call accepts.
    BadData,          ///< Input was read but is malformed.
    NoInput,          ///< An input file is missing or unreadable.
    Unavailable,      ///< A service or a peer can't be reached.
    Busy,             ///< The object is in use; try again later.
    AlreadyExists,    ///< The object exists and was not to be replaced.
    Unsupported,      ///< This build, store or peer can't do that.
    Internal,         ///< A defect of this library.
    System,           ///< The operating system refused: memory, descriptors, threads.
    CannotCreate,     ///< An output can't be created; a port can't be bound.
    Io,               ///< Input or output failed midway.
    Full,             ///< A disk or a store has no room left.
    TimedOut,         ///< The deadline has passed.
    Protocol,         ///< The peer broke the protocol.
    NotPermitted,     ///< Permission denied.
    Config,           ///< The configuration is wrong.
};

/// The one documented table of exit codes: 0, 1, then those of sysexits.
enum class ExitCode : int {
    Ok = 0,
    Negative = 1,
    Usage = 64,
    BadData = 65,
    NoInput = 66,
    Unavailable = 69,
    Internal = 70,
    System = 71,
    CannotCreate = 73,
    Io = 74,
    TimedOut = 75,
    Protocol = 76,
    NotPermitted = 77,
    Config = 78,
    HungUp = 129,       ///< SIGHUP ended finite work.
    Interrupted = 130,  ///< SIGINT ended finite work.
    Terminated = 143,   ///< SIGTERM ended finite work.
};

/// An error names the object and the cause ("open /data/f0: No such file or directory") and, where something
/// can be done about it, what to try next.
struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message;
    std::string hint;
};

template <typename T>
using Result = std::expected<T, Error>;

/// The exit status of a tool that ends because of an error with this code.
ExitCode exitCode(ErrorCode code);

/// The code's name as it stands in JSON output: "not_found".
const char* toString(ErrorCode code);

}  // namespace mc
