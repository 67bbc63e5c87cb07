#!/bin/sh
# Times this computer's GPU: needs a Vulkan driver, nothing else. Results go to the current folder; sh run.sh -h lists options.
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(CDPATH= cd -- "$here" && pwd) || exit 1

# What the system has goes first: its drivers are linked against it.
append() { LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$1; export LD_LIBRARY_PATH; }
"$here/node" --version >/dev/null 2>&1 || append "$here/lib/runtime"
PATH=${PATH:-/usr/bin:/bin}:/sbin:/usr/sbin
case $(ldconfig -p 2>/dev/null) in *"libvulkan.so.1 "*) ;; *) append "$here/lib/vulkan" ;; esac
HOME=${HOME:-/tmp} # Node wants one, and a computer without users has none
export HOME

exec "$here/node" "$here/bench.mjs" "$@"
