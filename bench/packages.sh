#!/bin/sh
# Installs the one Debian package that only the measurements need; does nothing when it is here. Tests never call this.
set -eu

command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] && exit 0
as_root=""
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi
echo "installing: nginx-light" >&2
# Debian starts a packaged server at once; ours is started by the measurement alone.
policy=/usr/sbin/policy-rc.d
made=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod +x "$policy"
    made=yes
fi
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends nginx-light >&2
[ -z "$made" ] || $as_root rm "$policy"
