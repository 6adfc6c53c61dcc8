#pragma once

#include "config/option.h"

namespace mc::mount {

const config::Tool& mountTool();

}  // namespace mc::mount
