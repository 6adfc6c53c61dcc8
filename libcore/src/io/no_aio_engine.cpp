#include "base/errors.h"
#include "io/direct_engine.h"

namespace mc::io {

Result<std::unique_ptr<DirectEngine>> openAioEngine(EventLoop& /*loop*/, BlockSink& /*sink*/, unsigned /*depth*/) {
    return fail(ErrorCode::Unsupported, "libaio: this build does not have it");
}

}  // namespace mc::io
