#include "mc/error.h"

#include <cerrno>
#include <system_error>

#include "base/errors.h"

namespace mc {

ExitCode exitCode(ErrorCode code) {
    switch (code) {
        case ErrorCode::Negative:
        case ErrorCode::NotFound:
            return ExitCode::Negative;
        case ErrorCode::InvalidArgument:
            return ExitCode::Usage;
        case ErrorCode::BadData:
            return ExitCode::BadData;
        case ErrorCode::NoInput:
            return ExitCode::NoInput;
        case ErrorCode::Unavailable:
        case ErrorCode::Busy:
        case ErrorCode::Unsupported:
            return ExitCode::Unavailable;
        case ErrorCode::Internal:
            return ExitCode::Internal;
        case ErrorCode::System:
            return ExitCode::System;
        case ErrorCode::AlreadyExists:
        case ErrorCode::CannotCreate:
            return ExitCode::CannotCreate;
        case ErrorCode::Io:
        case ErrorCode::Full:
            return ExitCode::Io;
        case ErrorCode::TimedOut:
            return ExitCode::TimedOut;
        case ErrorCode::Protocol:
            return ExitCode::Protocol;
        case ErrorCode::NotPermitted:
            return ExitCode::NotPermitted;
        case ErrorCode::Config:
            return ExitCode::Config;
    }
    return ExitCode::Internal;
}

const char* toString(ErrorCode code) {
    switch (code) {
        case ErrorCode::Negative:
            return "negative";
        case ErrorCode::NotFound:
            return "not_found";
        case ErrorCode::InvalidArgument:
            return "invalid_argument";
        case ErrorCode::BadData:
            return "bad_data";
        case ErrorCode::NoInput:
            return "no_input";
        case ErrorCode::Unavailable:
            return "unavailable";
        case ErrorCode::Busy:
            return "busy";
        case ErrorCode::AlreadyExists:
            return "already_exists";
        case ErrorCode::Unsupported:
            return "unsupported";
        case ErrorCode::Internal:
            return "internal";
        case ErrorCode::System:
            return "system";
        case ErrorCode::CannotCreate:
            return "cannot_create";
        case ErrorCode::Io:
            return "io";
        case ErrorCode::Full:
            return "full";
        case ErrorCode::TimedOut:
            return "timed_out";
        case ErrorCode::Protocol:
            return "protocol";
        case ErrorCode::NotPermitted:
            return "not_permitted";
        case ErrorCode::Config:
            return "config";
    }
    return "internal";
}

namespace {

ErrorCode codeOfErrno(int number) {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return ErrorCode::NoInput;
        case EACCES:
        case EPERM:
            return ErrorCode::NotPermitted;
        case EADDRINUSE:
        case EADDRNOTAVAIL:
        case EEXIST:
            return ErrorCode::CannotCreate;
        case ECONNREFUSED:
        case ECONNRESET:
        case ECONNABORTED:
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EPIPE:
            return ErrorCode::Unavailable;
        case ETIMEDOUT:
            return ErrorCode::TimedOut;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return ErrorCode::Full;
        case EIO:
            return ErrorCode::Io;
        default:
            return ErrorCode::System;
    }
}

// What to try next, where the message alone does not tell.
std::string hintOf(int number) {
    switch (number) {
        case EMFILE:
            return "this process may open no more files: raise the limit, ulimit -n";
        case ENFILE:
            return "the system's table of open files is full: see fs.file-max";
        default:
            return {};
    }
}

}  // namespace

Error systemError(std::string_view operation, std::string_view object, int number) {
    std::string message(operation);
    if (!object.empty()) message.append(" ").append(object);
    message.append(": ").append(std::generic_category().message(number));
    return {codeOfErrno(number), std::move(message), hintOf(number)};
}

Error wrap(std::string_view context, Error error) {
    error.message.insert(0, std::string(context) + ": ");
    return error;
}

}  // namespace mc
