#include "base/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/errors.h"
#include "base/fd.h"
#include "base/log.h"

namespace mc {
namespace {

constexpr std::size_t kLongest = 4096;

Result<FileDescriptor> openSecret(const std::string& path, OthersReading others) {
    FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return failErrno("open", path, errno);
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return failErrno("stat", path, errno);
    const bool exposed = S_ISREG(status.st_mode) && (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    if (exposed && others == OthersReading::Refuse)
        return fail(ErrorCode::Config, path + ": others can read this secret", "chmod 600 " + path);
    if (exposed) log::warning("{}: others can read this secret; chmod 600 {}", path, path);
    return file;
}

// Up to its end, to more than `longest` bytes, or to what has a letter of `enough`.
Result<std::string> readText(const FileDescriptor& file, const std::string& path, std::size_t longest,
                             std::string_view enough) {
    std::string text;
    while (text.size() <= longest && text.find_first_of(enough) == std::string::npos) {
        std::array<char, kLongest> block{};
        const auto got = ::read(file.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failErrno("read", path, errno);
        if (got == 0) break;
        text.append(block.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

Result<std::string> readSecret(const std::string& path, OthersReading others) {
    const auto file = openSecret(path, others);
    if (!file) return std::unexpected(file.error());
    const auto text = readText(*file, path, kLongest, "\n");
    if (!text) return text;
    std::string line = text->substr(0, text->find('\n'));
    if (line.ends_with('\r')) line.pop_back();
    if (line.size() > kLongest)
        return fail(ErrorCode::Config, fmt::format("{}: its first line is longer than {} bytes", path, kLongest));
    if (line.empty()) return fail(ErrorCode::Config, fmt::format("{}: its first line is empty", path));
    return line;
}

Result<std::string> readSecretText(const std::string& path, std::size_t longest) {
    const auto file = openSecret(path, OthersReading::Refuse);
    if (!file) return std::unexpected(file.error());
    auto text = readText(*file, path, longest, {});
    if (text && text->size() > longest)
        return fail(ErrorCode::Config, fmt::format("{}: is longer than {} bytes", path, longest));
    return text;
}

}  // namespace mc
