#!/usr/bin/env bash
stopGuest() {
    kill -STOP "$QEMU_PID"
}
