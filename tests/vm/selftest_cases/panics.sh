#!/usr/bin/env bash
# Must fail with 99: the kernel panics, and QEMU exits with 0.
echo c >/proc/sysrq-trigger
