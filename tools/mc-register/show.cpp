#include <fmt/format.h>

#include "base/errors.h"
#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "common/output.h"
#include "common/store_client.h"
#include "common/table.h"
#include "mc-register/commands.h"
#include "mc-register/segment.h"

namespace mc::registering {
namespace {

using metadata::SegmentKey;
using metadata::SegmentKind;
using metadata::VersionedValue;

Json filesOf(const SegmentDescriptor& descriptor) {
    Json files = Json::array();
    std::uint64_t offset = 0;
    for (const auto& file : descriptor.legacy_files) {
        Json local_paths = Json::object();
        for (const auto& [server, path] : file.local_path_map)
            local_paths[server] = path;
        files.add({{"path", file.file_path},
                   {"offset_bytes", offset},
                   {"length_bytes", file.length},
                   {"local_paths", std::move(local_paths)}});
        offset += file.length;
    }
    return files;
}

Json buffersOf(const SegmentDescriptor& descriptor) {
    Json buffers = Json::array();
    for (const auto& buffer : descriptor.buffers)
        buffers.add({{"name", buffer.name}, {"address", buffer.addr}, {"length_bytes", buffer.length}});
    return buffers;
}

Json devicesOf(const SegmentDescriptor& descriptor) {
    Json devices = Json::array();
    for (const auto& device : descriptor.devices)
        devices.add({{"name", device.name}, {"lid", device.lid}, {"gid", device.gid}});
    return devices;
}

std::string document(const SegmentKey& segment, const SegmentDescriptor& descriptor, const std::string& version) {
    Json document{{"schema_version", 1},
                  {"segment", segment.name},
                  {"key", segment.key},
                  {"version", version.empty() ? Json(nullptr) : Json(version)},
                  {"server_name", descriptor.name},
                  {"protocols", descriptor.protocols},
                  {"length_bytes", totalLength(descriptor)}};
    if (segment.kind == SegmentKind::Files) {
        document["files"] = filesOf(descriptor);
    } else {
        document["buffers"] = buffersOf(descriptor);
        document["devices"] = devicesOf(descriptor);
    }
    return document.line();
}

std::string mountsOf(const LegacyFile& file) {
    std::vector<std::string> mounts;
    mounts.reserve(file.local_path_map.size());
    for (const auto& [server, path] : file.local_path_map)
        mounts.push_back(fmt::format("{}: {}", printable(server), printable(path)));
    return join(mounts, ", ");
}

std::string table(const SegmentDescriptor& descriptor, SegmentKind kind) {
    using enum tools::Table::Align;
    if (kind == SegmentKind::Memory) {
        tools::Table rows({{"BUFFER", Left}, {"ADDRESS", Right}, {"SIZE", Right}});
        for (const auto& buffer : descriptor.buffers)
            rows.addRow({printable(buffer.name), fmt::format("{:#x}", buffer.addr), formatSize(buffer.length)});
        return rows.toString();
    }
    tools::Table rows({{"FILE", Left}, {"OFFSET", Right}, {"SIZE", Right}, {"MOUNTED BY", Left}});
    std::uint64_t offset = 0;
    for (const auto& file : descriptor.legacy_files) {
        rows.addRow({printable(file.file_path), std::to_string(offset), formatSize(file.length), mountsOf(file)});
        offset += file.length;
    }
    return rows.toString();
}

std::string page(const SegmentKey& segment, const SegmentDescriptor& descriptor) {
    const bool files = segment.kind == SegmentKind::Files;
    const std::size_t parts = files ? descriptor.legacy_files.size() : descriptor.buffers.size();
    std::string text = fmt::format("{}: {} of {}, {}, {}\n", printable(segment.key), join(descriptor.protocols, ","),
                                   printable(descriptor.name), counted(parts, files ? "file" : "buffer"),
                                   formatSize(totalLength(descriptor)));
    for (const auto& device : descriptor.devices)
        text += fmt::format("device {}, LID {}, GID {}\n", printable(device.name), device.lid, printable(device.gid));
    return parts == 0 ? text : text + table(descriptor, segment.kind);
}

}  // namespace

Result<ExitCode> runShow(const config::Values& values, tools::StopSignals& /*stop*/) {
    const auto segment = namedSegment(values);
    if (!segment) return std::unexpected(segment.error());
    auto store = tools::openClient(values);
    if (!store) return std::unexpected(store.error());
    const auto found = (*store)->get(segment->key, tools::commandDeadline(values));
    if (!found && found.error().code == ErrorCode::NotFound) {
        return fail(ErrorCode::NotFound, fmt::format("segment {}: there is none", printable(segment->name)),
                    values.flag("memory") ? "" : "one of memory is shown with --memory");
    }
    if (!found) return std::unexpected(found.error());
    const auto descriptor = decodeSegmentDescriptor(found->value);
    if (!descriptor) return std::unexpected(wrap(printable(segment->key), descriptor.error()));
    const std::string text =
        values.flag("json") ? document(*segment, *descriptor, found->version) : page(*segment, *descriptor);
    if (auto printed = tools::writeData(text); !printed) return std::unexpected(printed.error());
    return ExitCode::Ok;
}

}  // namespace mc::registering
