#include "control/served_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/errors.h"
#include "base/text.h"
#include "base/units.h"
#include "transport/nvmeof/file_opening.h"

namespace mc::control {
namespace {

bool fits(const FileName& name, const ServedFile& file) {
    const auto* const number = std::get_if<FileBufferID>(&name);
    return number != nullptr ? *number == file.number : std::get<std::string>(name) == file.path;
}

bool isSame(const io::FileFacts& one, const io::FileFacts& other) {
    return one.is_block_device == other.is_block_device && one.device == other.device && one.inode == other.inode;
}

Error twice(const io::FileFacts& file, const io::FileFacts& other, std::string_view state) {
    std::string message = file.path == other.path ? fmt::format("{}: is {}", printable(file.path), state)
                                                  : fmt::format("{} and {} are the same file, which is {}",
                                                                printable(other.path), printable(file.path), state);
    return {ErrorCode::AlreadyExists, std::move(message), "two hosts' blocks would overwrite each other"};
}

Result<void> expectLongEnough(const FileRequest& request, const io::FileFacts& facts) {
    if (request.size <= facts.length) return {};
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: has {}, less than the {} asked for", printable(facts.path), formatSize(facts.length),
                            formatSize(request.size)),
                facts.is_block_device
                    ? std::string("without a size all of it is served")
                    : fmt::format("make it as long: truncate -s {} {}", request.size, printable(facts.path)));
}

}  // namespace

Result<FileName> parseFileName(std::string_view text) {
    if (text.empty()) return fail(ErrorCode::InvalidArgument, "the name of a file is empty");
    FileBufferID number = 0;
    const auto [next, error] = std::from_chars(text.begin(), text.end(), number);
    if (error == std::errc{} && next == text.end()) return FileName(number);
    return FileName(io::absolutePath(text));
}

std::string toString(const FileName& name) {
    const auto* const number = std::get_if<FileBufferID>(&name);
    return number != nullptr ? std::to_string(*number) : std::get<std::string>(name);
}

std::vector<ServedFiles::Entry> ServedFiles::entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
}

Result<std::vector<ServedFiles::Entry>> ServedFiles::inspect(std::span<const FileRequest> requests,
                                                             const FileOptions& options) const {
    const std::vector<Entry> served = entries();
    std::vector<Entry> found;
    for (const FileRequest& request : requests) {
        auto facts = io::inspectFile(request.path);
        if (!facts) return std::unexpected(facts.error());
        const auto same = [&](const Entry& other) { return isSame(other.facts, *facts); };
        if (const auto other = std::ranges::find_if(served, same); other != served.end())
            return std::unexpected(twice(*facts, other->facts, other->going ? "being removed" : "served already"));
        if (const auto other = std::ranges::find_if(found, same); other != found.end())
            return std::unexpected(twice(*facts, other->facts, "named twice"));
        if (auto enough = expectLongEnough(request, *facts); !enough) return std::unexpected(enough.error());
        const auto opened = nvmeof::openToServe(
            request.path, {.size = request.size, .read_only = options.read_only, .force = options.force},
            {.backend = options.backend, .direct = options.direct, .backend_option = options.backend_option});
        if (!opened) return std::unexpected(opened.error());
        found.push_back({.file = {.number = request.number,
                                  .path = facts->path,
                                  .size = opened->size,
                                  .asked_size = request.size,
                                  .read_only = options.read_only,
                                  .is_block_device = facts->is_block_device,
                                  .forced = options.force && facts->is_block_device},
                         .facts = *facts});
    }
    return found;
}

Result<void> ServedFiles::check(std::span<const FileRequest> requests, const FileOptions& options) const {
    const auto found = inspect(requests, options);
    return found ? Result<void>() : std::unexpected(found.error());
}

Result<std::vector<ServedFile>> ServedFiles::add(TransferEngine& engine, std::span<const FileRequest> requests,
                                                 const FileOptions& options) {
    const std::lock_guard adding(additions_);
    auto entries = inspect(requests, options);
    if (!entries) return std::unexpected(entries.error());
    std::vector<FileEntry> files;
    for (const auto& [file, facts, going] : *entries) {
        files.push_back(
            {.path = file.path,
             .options = {
                 .size = file.asked_size, .read_only = file.read_only, .force = options.force, .id = file.number}});
    }
    const auto numbers = engine.registerLocalFileBatch(files);
    if (!numbers) return std::unexpected(numbers.error());
    std::vector<ServedFile> added;
    for (std::size_t i = 0; i < entries->size(); ++i) {
        ServedFile& file = (*entries)[i].file;
        file.number = (*numbers)[i];
        added.push_back(file);
    }
    const std::lock_guard lock(mutex_);
    std::ranges::move(*entries, std::back_inserter(entries_));
    std::ranges::sort(entries_, {}, [](const Entry& entry) { return entry.file.number; });
    return added;
}

Result<std::vector<ServedFile>> ServedFiles::find(const FileChoice& choice) const {
    const std::lock_guard lock(mutex_);
    return findLocked(choice);
}

Result<std::vector<ServedFile>> ServedFiles::findLocked(const FileChoice& choice) const {
    std::vector<ServedFile> found = describeLocked();
    for (const FileName& name : choice.names) {
        const auto meant = [&](const ServedFile& file) { return fits(name, file); };
        if (!choice.ignore_missing && std::ranges::none_of(found, meant))
            return fail(ErrorCode::NotFound, fmt::format("file {}: there is none", printable(toString(name))));
    }
    std::erase_if(found, [&](const ServedFile& file) {
        return std::ranges::none_of(choice.names, [&](const FileName& name) { return fits(name, file); });
    });
    return found;
}

Result<std::vector<ServedFile>> ServedFiles::remove(TransferEngine& engine, const FileChoice& choice) {
    Result<std::vector<ServedFile>> removed;
    const auto is_removed = [&](const Entry& entry) {
        return std::ranges::find(*removed, entry.file.number, &ServedFile::number) != removed->end();
    };
    {
        const std::lock_guard lock(mutex_);
        removed = findLocked(choice);
        if (!removed) return removed;
        for (Entry& entry : entries_)
            entry.going = entry.going || is_removed(entry);
    }
    Result<void> published;
    for (const ServedFile& file : *removed) {
        // Whatever it says, the file is not served any more.
        if (auto done = engine.unregisterLocalFile(file.path); !done && published) published = std::move(done);
    }
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(entries_, is_removed);
    }
    if (published) return removed;
    return std::unexpected(wrap("the files are not served any more, but", published.error()));
}

std::vector<ServedFile> ServedFiles::describe() const {
    const std::lock_guard lock(mutex_);
    return describeLocked();
}

std::vector<ServedFile> ServedFiles::describeLocked() const {
    std::vector<ServedFile> all;
    for (const Entry& entry : entries_) {
        if (!entry.going) all.push_back(entry.file);
    }
    return all;
}

}  // namespace mc::control
