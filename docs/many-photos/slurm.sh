#!/bin/sh
#SBATCH --job-name=singan
#SBATCH --gres=gpu:1
#SBATCH --time=04:00:00
#SBATCH --output=singan-%A-%a.log
# Trains one photo per task of a Slurm job array:
#   ls photos/*.jpg > photos.txt
#   sbatch --array=1-$(wc -l < photos.txt) slurm.sh photos.txt OUT [flags of singan train]
# After failures or timeouts submit it again: finished photos take seconds.
set -eu
list=$1 out=$2
shift 2
: "${SINGAN:=npx singan}"
photo=$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$list")
name=$(basename "$photo")
exec $SINGAN train "$photo" --out "$out/${name%.*}" --skip-finished "$@"
