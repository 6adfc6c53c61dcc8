#include <algorithm>
#include <nlohmann/json.hpp>

#include "mc/segment.h"

#include "segment/protocols.h"
#include "segment/topology.h"

namespace mc {
namespace {

using nlohmann::json;  // Its objects keep their members in lexicographic order, as jsoncpp's do.

BufferKind kindOf(std::string_view protocol) {
    const auto* traits = findProtocol(protocol);
    return traits == nullptr ? BufferKind::Memory : traits->kind;
}

// Where a name is ours, too, what we say counts.
json with(json object, const OtherMembers& others) {
    if (others.empty()) return object;
    const json more = json::parse(others, nullptr, false);
    if (more.is_object()) object.insert(more.begin(), more.end());
    return object;
}

json encodeDevices(const std::vector<NicDevice>& devices) {
    json list = json::array();
    for (const auto& device : devices) {
        list.push_back({{"name", device.name}, {"lid", device.lid}, {"gid", device.gid}});
    }
    return list;
}

json encodeMatrix(const PriorityMatrix& matrix) {
    json object = json::object();
    for (const auto& [location, nics] : matrix)
        object[location] = json::array({nics.preferred, nics.available});
    return object;
}

json encodeMemory(const SegmentDescriptor& descriptor) {
    json list = json::array();
    for (const auto& buffer : descriptor.buffers) {
        json item{{"name", buffer.name}, {"addr", buffer.addr}, {"length", buffer.length}};
        const bool several = descriptor.protocols.size() > 1;
        if (several) item["protocol"] = buffer.protocol;
        if (kindOf(several ? buffer.protocol : descriptor.protocol()) == BufferKind::KeyedMemory) {
            item["rkey"] = buffer.rkey;
            item["lkey"] = buffer.lkey;
        }
        list.push_back(with(std::move(item), buffer.others));
    }
    return list;
}

json encodeLegacyFiles(const std::vector<LegacyFile>& files) {
    json list = json::array();
    for (const auto& file : files) {
        list.push_back(
            with({{"file_path", file.file_path}, {"length", file.length}, {"local_path_map", file.local_path_map}},
                 file.others));
    }
    return list;
}

void addNamespaces(json& object, const SegmentDescriptor& descriptor) {
    const NvmeTransportId trid = descriptor.nvme_trid.value_or(NvmeTransportId{});
    object["nvmeof_generic_trid"] = {{"trtype", trid.trtype},
                                     {"adrfam", trid.adrfam},
                                     {"traddr", trid.traddr},
                                     {"trsvcid", trid.trsvcid},
                                     {"subnqn", trid.subnqn}};
    object["file_buffers"] = json::array();
    for (const auto& file : descriptor.file_buffers) {
        object["file_buffers"].push_back(
            with({{"id", file.id}, {"path", file.path}, {"size", file.size}, {"align", file.align}}, file.others));
    }
}

void addMemory(json& object, const SegmentDescriptor& descriptor) {
    object["tcp_proto_version"] = descriptor.tcp_proto_version;
    if (!descriptor.rdma_server_name.empty()) object["rdma_server_name"] = descriptor.rdma_server_name;
    object["buffers"] = encodeMemory(descriptor);
    if (std::ranges::any_of(descriptor.protocols,
                            [](const auto& name) { return kindOf(name) == BufferKind::KeyedMemory; })) {
        object["devices"] = encodeDevices(descriptor.devices);
        object["priority_matrix"] = encodeMatrix(descriptor.priority_matrix);
    }
}

// Like the stock programs: one line, everything but ASCII escaped, bytes that are no text replaced.
std::string write(const json& value) {
    return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace

std::string encodeSegmentDescriptor(const SegmentDescriptor& descriptor) {
    const BufferKind kind = kindOf(descriptor.protocol());
    if (kind == BufferKind::LegacyFiles) {
        return write(with({{"server_name", descriptor.name},
                           {"protocol", descriptor.protocol()},
                           {"buffers", encodeLegacyFiles(descriptor.legacy_files)}},
                          descriptor.others));
    }
    json object{
        {"name", descriptor.name}, {"tcp_data_port", descriptor.tcp_data_port}, {"timestamp", descriptor.timestamp}};
    if (descriptor.protocols.size() > 1) {
        object["protocol"] = descriptor.protocols;
    } else {
        object["protocol"] = descriptor.protocol();
    }
    if (kind == BufferKind::Namespaces) {
        addNamespaces(object, descriptor);
    } else {
        addMemory(object, descriptor);
    }
    return write(with(std::move(object), descriptor.others));
}

std::string formatPriorityMatrix(const PriorityMatrix& matrix) {
    return write(encodeMatrix(matrix));
}

}  // namespace mc
