#!/usr/bin/env bash

say() {
    echo "$*"
}

refuse() {
    return 5
}

failInTheMiddle() {
    false
    true
}

# An echo of one connection.
listen() {
    start echo python3 -c '
import socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listens", flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(connection.recv(100))
    connection.close()
' "$HOST_PORT"
    waitFor echo.out listens
}

echoRuns() {
    isRunning echo
}

greeted() {
    python3 -c '
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5) as connection:
    sys.exit(connection.recv(100) != b"hello\n")
' "$GUEST_PORT"
}

stop() {
    end echo
}
