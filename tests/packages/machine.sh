#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: machine.sh OUT
# A fresh machine: this one's file system with a layer of memory over it, in namespaces of its own,
# with systemd as its first process. Nothing that happens in it reaches this machine, and nothing
# is left of it. OUT is its /out; what it does is tests/packages/inside.sh. It needs root. Ends with
# 77, and a line that says why, where it cannot be made.
set -u
OUT=$(cd "$1" && pwd -P) || exit 1
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
LIMIT=300

cannot() {
    printf 'there can be no machine to install them on: %s\n' "$1"
    exit 77
}

# A directory of the machine's own in the tree of control groups, where there is one.
make_cgroup() {
    local root
    root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    CGROUP=$root$(sed -n 's/^0:://p' /proc/self/cgroup)
    CGROUP=${CGROUP%/}/jeton-packages-$$
    [ -n "$root" ] && mkdir "$CGROUP" 2>/dev/null || CGROUP=
}

remove_cgroup() {
    [ -z "$CGROUP" ] || find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
}

# The first process's file system: devices, an empty /run and /tmp, kernel settings read-only.
make_file_system() {
    local layer=$1 root=$1/root device
    mount -t tmpfs layer "$layer" && mkdir "$layer/upper" "$layer/work" "$root" &&
        mount -t overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" layer "$root" ||
        return 1
    mount -t proc proc "$root/proc" && mount --bind "$root/proc/sys" "$root/proc/sys" &&
        mount -o remount,bind,ro "$root/proc/sys" &&
        mount -t sysfs -o ro sysfs "$root/sys" &&
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" &&
        mount -t tmpfs -o mode=755 dev "$root/dev" || return 1
    for device in null zero full random urandom tty; do
        touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device" || return 1
    done
    mkdir "$root/dev/pts" "$root/dev/shm" "$root/out" "$root/layer" &&
        mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" &&
        ln -s pts/ptmx "$root/dev/ptmx" && ln -s /proc/self/fd "$root/dev/fd" &&
        touch "$root/dev/console" && mount --bind "$OUT/console" "$root/dev/console" &&
        mount --bind "$OUT" "$root/out" && mount --bind "$layer/upper" "$root/layer" || return 1
    for device in dev/shm run tmp root etc/postgresql var/lib/postgresql \
        var/lib/apt/lists; do
        mkdir -p "$root/$device" && mount -t tmpfs tmp "$root/$device" || return 1
    done
    chmod 1777 "$root/tmp" "$root/dev/shm"
    # A copy of the list of packages: this machine's may change while the test runs.
    cp -a "$root/var/lib/dpkg" "$layer/dpkg" &&
        mount --bind "$layer/dpkg" "$root/var/lib/dpkg"
}

# Only what the test wants is started: no service that this machine happens to have.
choose_services() {
    local root=$1 unit
    for unit in systemd-{udevd,modules-load,sysctl,timesyncd,resolved,networkd}.service \
        systemd-random-seed.service systemd-{tmpfiles-clean.timer,update-utmp.service} \
        getty.target multi-user.target; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
    : >"$root/etc/fstab"
    rm -f "$root/usr/sbin/policy-rc.d" # images of containers forbid services so
    cat >"$root/etc/systemd/system/fresh.service" <<'END'
[Unit]
After=basic.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ExecStart=/bin/bash /out/start.sh
END
}

# In the namespaces.
boot() {
    local layer=$1
    make_file_system "$layer" && choose_services "$layer/root" || return 77
    python3 - <<'END'
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
END
    # In a chroot services could have no user namespace.
    cd "$layer/root" && pivot_root . mnt && umount -l /mnt || return 77
    exec setpriv \
        --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog,-sys_boot,-mknod \
        env -i container=jeton-packages /lib/systemd/systemd --system --unit=fresh.service \
        --log-target=journal --show-status=0
}

if [ "${2-}" = boot ]; then
    boot "$3"
    exit
fi

[ "$(id -u)" -eq 0 ] || cannot "this is not root"
[ -x /lib/systemd/systemd ] || cannot "there is no systemd"
getent passwd jeton >/dev/null && cannot "Jeton is installed on this machine"
LAYER=$(mktemp -d) || exit 1
make_cgroup
trap 'rmdir "$LAYER"; remove_cgroup' EXIT
unshare --mount true 2>/dev/null || cannot "namespaces are not allowed here"
: >"$OUT/console"
: >"$OUT/tap"
cp "$HERE/inside.sh" "$OUT/"
version=$(find /usr/lib/postgresql -maxdepth 1 -name '[0-9]*' -printf '%f\n' | sort -n | tail -n 1)
cat >"$OUT/start.sh" <<END
exec >/out/start.log 2>&1
export DEBIAN_FRONTEND=noninteractive
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/99fresh
chown postgres: /var/lib/postgresql /etc/postgresql
pg_createcluster $version main -- --no-sync && systemctl start postgresql@$version-main || exit
bash /out/inside.sh
END
(
    [ -z "$CGROUP" ] || echo "$BASHPID" >"$CGROUP/cgroup.procs"
    exec timeout -k 10 "$LIMIT" unshare --mount --pid --fork --kill-child --uts --ipc --net \
        --cgroup --propagation private "${BASH_SOURCE[0]}" "$OUT" boot "$LAYER"
) </dev/null >"$OUT/boot.log" 2>&1 &
trap 'kill "$!"' INT TERM HUP
wait "$!"
status=$?
if [ ! -s "$OUT/tap" ]; then
    [ "$status" -ne 77 ] || cannot "$(grep -m 1 . "$OUT/boot.log")"
    cat "$OUT/boot.log" "$OUT/console" "$OUT/start.log" 2>/dev/null
    exit 1
fi
grep -q '^1\.\.' "$OUT/tap" && ! grep -q '^not ok' "$OUT/tap"
