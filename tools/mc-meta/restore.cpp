#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/errors.h"
#include "mc-meta/client.h"
#include "mc-meta/commands.h"
#include "mc-meta/restore_dump.h"
#include "mc-meta/spool.h"

namespace mc::meta {
namespace {

Result<std::fstream> copyOf(std::istream& stream, const std::string& name) {
    auto spool = openSpool();
    if (!spool) return spool;
    if (stream.peek() != std::istream::traits_type::eof()) *spool << stream.rdbuf();
    if (stream.bad()) return failErrno("read", name, errno);
    if (!spool->flush()) return failErrno("write", "a temporary file", errno);
    return spool;
}

// What can't be read twice is copied.
Result<std::fstream> openDump(const std::string& path) {
    if (path == "-") return copyOf(std::cin, "standard input");
    errno = 0;
    std::fstream file(path, std::ios::in | std::ios::binary);
    if (!file) return failErrno("open", path, errno == 0 ? ENOENT : errno);
    std::error_code none;
    if (std::filesystem::is_regular_file(path, none)) return file;
    return copyOf(file, path);
}

}  // namespace

Result<ExitCode> runRestore(const config::Values& values, tools::StopSignals& stop) {
    auto store = openClient(values);
    if (!store) return std::unexpected(store.error());
    const std::string path = values.text("file");
    auto dump = openDump(path);
    if (!dump) return std::unexpected(dump.error());
    return restoreDump(values, *dump, path == "-" ? "standard input" : path, **store, stop);
}

}  // namespace mc::meta
