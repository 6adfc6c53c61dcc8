#pragma once

#include <nlohmann/json_fwd.hpp>

#include "control/json_rpc.h"
#include "control/target.h"

namespace mc::control {

nlohmann::json toJson(const ServedFile& file);
/// The transport identifier as an object of strings: trtype, adrfam, traddr, trsvcid, subnqn.
nlohmann::json toJson(const NvmeTransportId& trid);
/// Where files are served, to whom, and how much.
nlohmann::json toJson(const FileService& service);

/// Methods that change which files a target serves: add_files and remove_files. `target` must outlive them.
void addFileMethods(RpcMethods& methods, Target& target);

}  // namespace mc::control
