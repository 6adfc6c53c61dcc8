#include "engine/flights.h"

#include <exception>

#include "base/errors.h"

namespace mc {
namespace {

// A flight that never landed would be waited for for ever.
Result<void> guarded(const Flights::LookUp& look_up) {
    try {
        return look_up();
    } catch (const std::exception& error) {
        return fail(ErrorCode::System, std::string("look up: ") + error.what());
    }
}

}  // namespace

Result<void> Flights::run(SegmentHandle segment, const LookUp& look_up) {
    std::unique_lock lock(mutex_);
    Flight& flight = flights_[segment];
    const std::uint64_t joined = flight.begun;
    while (flight.flying) {
        flight.landed.wait(lock);
        if (flight.ended > joined || (flight.ended == joined && !flight.last)) return flight.last;
    }
    flight.flying = true;
    const std::uint64_t own = ++flight.begun;
    lock.unlock();
    auto result = guarded(look_up);
    lock.lock();
    flight.flying = false;
    flight.ended = own;
    flight.last = result;
    flight.landed.notify_all();
    return result;
}

}  // namespace mc
