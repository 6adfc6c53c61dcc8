#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mc/engine.h"
#include "mc/engine_options.h"
#include "mc/error.h"
#include "mc/segment.h"

#include "io/block_device.h"
#include "io/file_facts.h"

namespace mc::nvmeof {

/// Who serves files at that address where `options` leave it open: the kernel what it alone can, else this process.
NvmeofBackend backendFor(const NvmeTransportId& where, const NvmeofOptions& options);

/// Whether this machine could serve files there: Unsupported for a transport that nobody has; for the kernel what
/// nvmet::findMissing finds.
Result<void> checkBackend(const NvmeTransportId& where, const NvmeofOptions& options);

/// A file that is open for as long as it is served, so that nobody else takes a block device meanwhile.
struct OpenedFile {
    io::FileFacts facts;
    std::shared_ptr<io::BlockDevice> device;
    std::uint64_t size = 0;  ///< Bytes that hosts see: whole blocks.
};

/// Who is to serve a file, and how.
struct ServingWay {
    NvmeofBackend backend = NvmeofBackend::User;  ///< Not Auto.
    bool direct = false;                          ///< Past the page cache.
    std::string backend_option = "--backend";     ///< As NvmeofOptions::backend_option.
};

/// As io::openFileDevice. InvalidArgument for less than a block, and where the kernel is to serve a part of a file or
/// let nobody write it.
Result<OpenedFile> openToServe(const std::string& path, const LocalFileOptions& file, const ServingWay& way);

}  // namespace mc::nvmeof
