#!/usr/bin/env bash
# Where no engine for containers runs: carries out the steps of the Dockerfile in a clean folder, starts what they
# leave, and asks it whether it is well.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill "$gateway"; rm -rf "$work"' EXIT

# Each COPY and RUN of a stage, with its working directory below the folder of that stage.
stage=
while IFS= read -r line; do
  case $line in
    "FROM "*) stage=${line##* AS }; [ "$stage" != "$line" ] || stage=image; mkdir -p "$work/$stage"; from=$work/$stage dir=$from ;;
    "WORKDIR "*) dir=$from${line#WORKDIR }; mkdir -p "$dir" ;;
    "COPY --from=build "*) read -r _ _ source target <<<"$line"; mkdir -p "$(dirname "$dir/$target")"; cp -a "$work/build$source" "$dir/$target" ;;
    "COPY "*) words=(${line#COPY }); target=${words[-1]}; unset 'words[-1]'
      for word in "${words[@]}"; do
        if [ "$target" = ./ ]; then cp -a "$root/$word" "$dir/"; else mkdir -p "$(dirname "$dir/$target")"; cp -a "$root/$word" "$dir/$target"; fi
      done ;;
    "RUN mkdir /data"*) mkdir -p "$from/data" ;;
    "RUN "*) (cd "$dir" && eval "${line#RUN }") ;;
  esac
done <"$root/deploy/Dockerfile"

du -sh "$work/image/app" | sed "s|$work||"
cat >"$work/chimera.yaml" <<'Y'
listen: 127.0.0.1:18080
engines: [{ url: http://127.0.0.1:9/v1, model: small }]
Y
(cd "$work/image/data" && exec node "$work/image/app/dist/cli/main.js" serve --config "$work/chimera.yaml") &
gateway=$!
for _ in $(seq 100); do
  if curl -fs http://127.0.0.1:18080/healthz; then echo " the image's steps leave a gateway that answers"; exit 0; fi
  sleep 0.1
done
echo "the gateway did not answer" >&2
exit 1
