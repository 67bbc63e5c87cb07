#!/bin/sh
# Checks and measures this computer's GPU. Needs a Vulkan driver and nothing else. `sh run.sh -h` lists the options.
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(CDPATH= cd -- "$here" && pwd) || exit 1

# The system's own libraries come first, because its drivers are linked against them.
append() { LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$1; export LD_LIBRARY_PATH; }
"$here/node" --version >/dev/null 2>&1 || append "$here/lib/runtime"
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/sbin:/usr/sbin
case $(ldconfig -p 2>/dev/null) in *"libvulkan.so.1 "*) ;; *) append "$here/lib/vulkan" ;; esac
HOME=${HOME:-/tmp} # Node needs one; a computer without users has none.
export HOME PATH

exec "$here/node" "$here/device.mjs" "$@"
