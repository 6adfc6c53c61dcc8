#pragma once

#include <string_view>

#include "mc/error.h"

#include "metadata/http_message.h"

namespace mc::metadata::etcd {

/// What can be tried after a refusal.
enum class Remedy {
    None,
    NewToken,      ///< Nothing was done: authenticate again.
    OtherMember,   ///< Nothing was done: another member may do it.
    RepeatIfRead,  ///< What was done is unknown; another member may answer a read.
};

struct Refusal {
    Error error;
    Remedy remedy = Remedy::None;
};

/// What a reply with another status than 200 means, whoever sent it.
Refusal refusalOf(const HttpReply& reply);

/// What a server means that ends a watch with this text.
Error errorOf(std::string_view text);

}  // namespace mc::metadata::etcd
