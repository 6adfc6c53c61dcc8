#include "nvme/host/pdu_names.h"

namespace mc::nvme::host {

std::string_view nameOf(PduType type) {
    switch (type) {
        case PduType::InitializeConnectionRequest:
            return "ICReq";
        case PduType::InitializeConnectionResponse:
            return "ICResp";
        case PduType::HostToControllerTerminate:
            return "H2CTermReq";
        case PduType::ControllerToHostTerminate:
            return "C2HTermReq";
        case PduType::CapsuleCommand:
            return "CapsuleCmd";
        case PduType::CapsuleResponse:
            return "CapsuleResp";
        case PduType::HostToControllerData:
            return "H2CData";
        case PduType::ControllerToHostData:
            return "C2HData";
        case PduType::ReadyToTransfer:
            return "R2T";
    }
    return "an unknown PDU";
}

std::string_view fatalName(std::uint16_t status) {
    switch (status) {
        case fatal::kInvalidPduHeaderField:
            return "invalid PDU header field";
        case fatal::kPduSequenceError:
            return "PDU sequence error";
        case fatal::kHeaderDigestError:
            return "header digest error";
        case fatal::kDataTransferOutOfRange:
            return "data transfer out of range";
        case fatal::kDataTransferLimitExceeded:
            return "data transfer limit exceeded";
        case fatal::kUnsupportedParameter:
            return "unsupported parameter";
        default:
            return "for an unknown reason";
    }
}

}  // namespace mc::nvme::host
