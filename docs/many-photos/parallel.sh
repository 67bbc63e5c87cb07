#!/bin/sh
# Trains every photo of a folder with GNU parallel, two at a time on this computer.
#   sh parallel.sh PHOTOS OUT [flags of singan train]
# The same call again trains what is missing. parallel's own --sshlogin and --joblog spread the work over computers.
set -eu
photos=$1 out=$2
shift 2
: "${SINGAN:=npx singan}"
find "$photos" -type f \( -iname '*.png' -o -iname '*.jpg' -o -iname '*.jpeg' \) | sort |
  parallel --jobs 2 --halt never "$SINGAN train {} --out $out/{/.} --skip-finished $*"
