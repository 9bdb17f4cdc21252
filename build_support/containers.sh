#!/usr/bin/env bash
# A container engine with Neo4j images, for tests: `eval "$(build_support/containers.sh up)"`.
#
#   up      uses the engine that answers, else starts one; puts the images of both releases into
#           it; prints the variables to export. Exit 3: no engine can be had here, and why.
#   down    removes all of it again, whatever state it is in
#   status  says what there is
#
# A started engine has its data, socket and pid file in .build/containers and runs in process and
# mount namespaces of its own: one kill ends it with all its containers, and its mounts go along.
# It changes neither the firewall nor sysctls: docker-proxy carries the published ports.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly no_engine=3
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive
root=$PWD
id=$(cksum <<<"$root" | cut -d ' ' -f 1)
folder=$root/.build/containers
((${#folder} < 80)) || folder=/tmp/lamlam-containers-$id # a socket's path has 107 bytes at most
socket=$folder/docker.sock
pid_file=$folder/engine.pid
log=$folder/engine.log
bridge=$(printf 'lam%08x' "$id")
cgroup=/lamlam-$id
label=lamlam-tests
python=.venv/bin/python

say() { echo "[containers] $*" >&2; }

give_up() {
  say "no container engine: $*"
  clear_away
  rm -rf "$folder"
  rmdir "$root/.build" 2>/dev/null || true
  exit "$no_engine"
}

answers() { command -v docker >/dev/null && docker version >/dev/null 2>&1; }

own_answers() { [[ -S $socket ]] && DOCKER_HOST=unix://$socket answers; }

# The process that holds the namespaces, if it is still ours: numbers of dead ones are used again.
own_pid() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null) || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$folder" && echo "$pid"
}

install_packages() {
  local missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1 ||
    missing+=(busybox-static) # goes into the images
  command -v ip >/dev/null || missing+=(iproute2)
  ((${#missing[@]} > 0)) || return 0
  command -v apt-get >/dev/null || give_up "install ${missing[*]} (no apt-get here)"
  say "installing ${missing[*]}"
  {
    apt-get update -qq &&
      apt-get install -y -qq --no-install-recommends "${missing[@]}" &&
      # Some releases have the command in a package of its own.
      { command -v docker || apt-get install -y -qq --no-install-recommends docker-cli; }
  } >"$folder/packages.log" 2>&1 ||
    give_up "apt-get could not install ${missing[*]}: $(tail -n 1 "$folder/packages.log")"
}

make_bridge() {
  local n
  for n in $(seq 0 254); do
    n=$(((id + n) % 255))
    [[ -z $(ip -o route show "10.213.$n.0/24" 2>/dev/null) ]] && break
  done
  ip link add "$bridge" type bridge && ip addr add "10.213.$n.1/24" dev "$bridge" &&
    ip link set "$bridge" up
} 2>>"$log"

start_engine() {
  make_bridge || give_up "no network bridge: $(tail -n 1 "$log")"
  # /run is empty for it: no containerd or lock of another engine is found there.
  setsid bash -c '
    echo $$ >"$1/engine.pid"
    exec unshare --pid --fork --kill-child --mount --mount-proc bash -c "
      mount -t tmpfs tmpfs /run && dockerd --data-root \"\$1/data\" \\
        --exec-root /run/engine --pidfile /run/engine.pid --host \"unix://\$1/docker.sock\" \\
        --bridge \"\$2\" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \\
        --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent \"\$3\" --log-level warn
      exit # bash stays, as the first process there: it collects the children of the dead
      " engine "$1" "$2" "$3"' \
    engine "$folder" "$bridge" "$cgroup" </dev/null >>"$log" 2>&1 9>&- &
  disown # else bash reports its death by `down`
  local try
  for try in $(seq 300); do
    own_answers && return
    ((try < 10)) || own_pid >/dev/null || break
    sleep 0.2
  done
  local reason
  reason=$(grep -iE 'fail|error|denied|not permitted' "$log" | tail -n 1 | cut -c 1-200)
  down
  give_up "dockerd does not start: ${reason:-no answer after a minute}"
}

images() {
  local tag archive made
  made=$("$python" -m tests.neo4j_server.container_image) # its own words say what is missing
  while read -r tag archive; do
    docker image inspect "$tag" --format '{{.Id}}' 2>/dev/null | grep -qxF "$(id_of "$archive")" ||
      docker load --quiet --input "$archive" >&2
    # In the engine of the user this name belongs to the official image.
    [[ $tag != *:5.26.* ]] || ! own_answers || docker tag "$tag" neo4j:5.26-community
  done <<<"$made"
}

id_of() { tar -xOf "$1" manifest.json | grep -oE '[0-9a-f]{64}\.json' | sed 's/^/sha256:/; s/\.json$//'; }

up() {
  [[ -x $python ]] || make .venv/.dev-ready >&2 # Python makes the images
  local started
  started=$(date +%s)
  mkdir -p "$folder"
  exec 9>"$folder/lock"
  flock 9
  if own_answers; then
    export DOCKER_HOST=unix://$socket
  elif ! answers; then
    [[ $(uname) == Linux ]] || give_up "none answers; start Docker, or Podman with DOCKER_HOST"
    ((EUID == 0)) || give_up "none answers, and only root can start one; start Docker or Podman"
    unshare --pid --fork --mount true 2>/dev/null || give_up "no right to make namespaces"
    install_packages
    if ! answers; then # else the system has started the one just installed
      own_pid >/dev/null || clear_away
      start_engine
      export DOCKER_HOST=unix://$socket
    fi
  fi
  images
  local image
  image=$(docker images --quiet --filter "label=$label" | head -n 1)
  # With a network and a port, as the tests need them.
  if ! docker run --rm --publish 127.0.0.1::7687 "$image" /bin/busybox true >&2; then
    own_answers || { say "the engine that answers cannot run a container"; exit 1; }
    down
    give_up "the engine started here cannot run a container (its words are above)"
  fi
  say "$(docker version --format 'engine {{.Server.Version}}') at ${DOCKER_HOST:-the default socket}," \
    "ready in $(($(date +%s) - started)) s"
  [[ -z ${DOCKER_HOST:-} ]] || echo "export DOCKER_HOST=$DOCKER_HOST"
  echo "export TESTCONTAINERS_RYUK_DISABLED=true" # its image is on a registry; down removes all
}

# What is left of an engine that is dead or about to die.
clear_away() {
  local pid mount
  if pid=$(own_pid); then
    kill -KILL "$pid" 2>/dev/null || true
    # --kill-child ends the namespace's first process, and the kernel all others in it.
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  fi
  while engine_processes | grep -q .; do
    engine_processes | xargs -r kill -KILL 2>/dev/null || true
    sleep 0.05
  done
  # A container's own ends of the network go with it; an engine that was killed while it made one
  # leaves both ends here.
  local cable
  for cable in /sys/class/net/"$bridge"/brif/*; do
    [[ ! -e $cable ]] || ip link delete "${cable##*/}" 2>/dev/null || true
  done
  ip link delete "$bridge" 2>/dev/null || true
  for mount in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [[ ! -d $mount$cgroup ]] || find "$mount$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  find "$folder" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} + 2>/dev/null || true
}

# Processes that name the folder on their command line, but for this script and who called it.
engine_processes() {
  local file pid
  for file in /proc/[0-9]*/cmdline; do
    pid=${file#/proc/}
    pid=${pid%/cmdline}
    if tr '\0' ' ' 2>/dev/null <"$file" | grep -qE "^(unshare|dockerd|containerd)[^ ]* .*$folder"; then
      echo "$pid"
    fi
  done
  cat /sys/fs/cgroup{,/*}"$cgroup"/*/cgroup.procs 2>/dev/null | grep -vx 0 | sort -u || true
}

down() {
  [[ -d $folder ]] || { clear_away; foreign_down; return 0; }
  exec 9>"$folder/lock"
  flock 9
  local was
  was=$(own_pid || true)
  clear_away
  rm -rf "$folder"
  rmdir "$root/.build" 2>/dev/null || true
  [[ -z $was ]] || say "the engine is gone"
  foreign_down
}

# In an engine that was there before: the images, and containers that a killed run left.
foreign_down() {
  [[ ${DOCKER_HOST:-} != "unix://$socket" ]] || return 0
  answers || return 0
  docker ps --all --quiet --filter "label=$label" | xargs -r docker rm --force --volumes >/dev/null
  docker images --quiet --filter "label=$label" | sort -u | xargs -r docker rmi --force >/dev/null
}

status() {
  if own_answers; then
    export DOCKER_HOST=unix://$socket
    echo "an engine started here: $DOCKER_HOST"
  elif answers; then
    echo "an engine that was there: ${DOCKER_HOST:-the default socket}"
  else
    echo "no engine answers"
    return
  fi
  docker images --filter "label=$label" --format 'image {{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}'
  docker ps --all --filter "label=$label" --format 'container {{.Names}} {{.Image}} {{.Status}}'
}

case ${1:-} in
  up | down | status) "$1" ;;
  *)
    echo "usage: build_support/containers.sh up|down|status" >&2
    exit 2
    ;;
esac
