"""A scripted peer that speaks Mooncake's handshake and TCP data formats. Shares no code with libcore."""
