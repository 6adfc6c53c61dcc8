#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mc/error.h"

#include "common/serving.h"
#include "control/target.h"

namespace mc::target {

/// What a target tells once it serves.
struct Ready {
    tools::Serving serving;  ///< Of the segment NAME.
    std::string files_segment;
    std::vector<control::ServedBuffer> buffers;
    std::vector<control::ServedFile> files;
    std::optional<FileService> file_service;
    std::string control_socket;   ///< Empty: none.
    std::string initiator;        ///< The command of an initiator for the memory; without memory empty.
    std::string files_initiator;  ///< The same for the files.
    std::string files_mount;      ///< That of mc-mount, for people.
    std::string nvme_connect;     ///< That of a kernel host; without files empty.
};

Result<Ready> describeReady(control::Target& target, const control::TargetOptions& options, std::string control_socket);

/// One JSON document on one line, and the same for people.
std::string readyDocument(const Ready& ready);
std::string readyTable(const Ready& ready);

/// Commands to paste and what is unauthenticated, on standard error.
void tellReady(const Ready& ready, const control::TargetOptions& options);

}  // namespace mc::target
