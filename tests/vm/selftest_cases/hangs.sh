#!/usr/bin/env bash
# Must fail with 124: it is ended in the guest.
# timeout: 2
sleep 1000
