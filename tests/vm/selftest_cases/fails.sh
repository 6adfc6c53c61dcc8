#!/usr/bin/env bash
# Must fail with 1, although its last command succeeds.
false
exit 0
