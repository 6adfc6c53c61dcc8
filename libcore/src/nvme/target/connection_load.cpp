// Connection: what it is doing, as it is told to users.
#include "io/tcp_facts.h"
#include "nvme/target/connection.h"
#include "nvme/target/target.h"

namespace mc::nvme {

FileHostLoad Connection::load() {
    FileHostLoad load{.queued_bytes = output_.bytes()};
    if (const auto facts = io::tcpFacts(socket_)) {
        load.round_trip = facts->round_trip;
        load.retransmitted_segments = facts->retransmitted_segments;
        load.unacknowledged_bytes = facts->unacknowledged_bytes;
        load.unsent_bytes = facts->unsent_bytes;
    }
    if (queue_.id == 0) return load;  // Event requests are under way all the time.
    load.on_device = on_device_;
    table_.forEach([&](const Command& command) {
        ++load.commands;
        load.awaiting_data += command.state == Command::State::AwaitingData ? 1 : 0;
        load.sending += command.state == Command::State::Sending ? 1 : 0;
    });
    return load;
}

}  // namespace mc::nvme
