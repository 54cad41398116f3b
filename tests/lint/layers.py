# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, what each program links, and that sizes stand once."""

import re
import subprocess

from tree import TOP, build, c_files, check, code, includes, rel

# What each folder of src/ may include from others: Makefile.am's order. `crypto` above the keeper
# means digests only (see below).
LAYERS = {
    "base": set(),
    "options": {"base"},
    "crypto": {"base", "model", "keys"},
    "pan": {"base", "model"},
    "model": {"base"},
    "wire": {"base", "model"},
    "keeper": {"base", "options", "crypto", "pan", "model", "wire", "keys"},
    "keyclient": {"base", "model", "wire"},
    "store": {"base", "crypto", "model"},
    "vault": {"base", "options", "crypto", "pan", "model", "wire", "keyclient", "store"},
    "tls": {"base"},
    "http": {"base", "tls"},
    # No store, no keeper: what a request wants done is one call of the vault.
    "api": {"base", "options", "pan", "model", "vault", "http"},
    "front": {"base", "options", "model", "vault", "tls", "http", "api"},
    # A process of its own that takes from the command line how people are asked and told.
    "pkcs11": {"base", "options", "model", "cli"},
    # Card files: how they are read, and the jobs that go over them. It speaks with nobody.
    "batch": {"base", "crypto", "pan"},
    # What is installed for applications stands alone.
    "client": set(),
    "cli": {
        "base",
        "options",
        "crypto",
        "pan",
        "model",
        "wire",
        "keyclient",
        "store",
        "vault",
        "batch",
    },
}

# Outside the keeper nobody handles keys: of src/crypto only what needs none may be included there.
KEYLESS_CRYPTO = {"crypto/digest.h", "crypto/bytes.h"}
# The command line verifies certificates, for which the public key is enough.
KEYLESS_IN = {"cli": {"crypto/sign.h"}}

# With one exception: the key of a custodian is made and used where the custodian sits, by the
# command line, and no keeper may ever see its private half.
CUSTODIAN_CRYPTO = {"src/cli/custodianfile.c": {"crypto/sign.h", "crypto/passphrase.h"}}

# Nor do layers that know no row need more of the model than sizes.
SIZES_ONLY = {"crypto", "pan"}

# Foreign headers and the folders that may include them.
FOREIGN = {
    "openssl/": {"crypto", "tls"},
    "libpq-fe.h": {"store"},
    "postgres": set(),
    "microhttpd.h": {"http"},
    "jansson.h": {"api", "batch", "cli", "client"},
    "ini.h": {"base"},
    "curl/": {"cli", "client"},
    "systemd/": {"front"},
    "seccomp.h": {"keeper", "front"},
    "p11-kit/": {"pkcs11"},
}

# Program: libraries it must link directly, libraries that must not come with it even indirectly.
LINKS = {
    "jeton-keeper": (
        ["libcrypto"],
        ["libpq", "libmicrohttpd", "libsystemd", "libcurl", "libjansson", "libgnutls", "libssl"],
    ),
    "jetond": (["libpq", "libmicrohttpd"], ["libcurl"]),
    "jeton": (["libcurl"], ["libmicrohttpd"]),
    "jeton-pkcs11": (
        [],
        ["libp11-kit", "libcrypto", "libssl", "libcurl", "libpq", "libjansson", "libmicrohttpd"],
    ),
}


@check("folders of src/ include lower layers only")
def layers():
    for path in c_files("src"):
        folder = rel(path).split("/")[1]
        if folder not in LAYERS:
            yield f"{rel(path)}: no layer {folder}"
            continue
        for number, quote, name in includes(path):
            if quote != '"':
                continue
            if "/" not in name:
                yield f"{rel(path)}:{number}: {name}: write it with its folder"
                continue
            target = name.split("/")[0]
            if target not in LAYERS[folder] | {folder, "jeton"}:
                yield f"{rel(path)}:{number}: {folder} must not include {name}"


@check("key material is handled in the keeper only")
def keyless():
    for path in c_files("src"):
        folder = rel(path).split("/")[1]
        if folder in ("crypto", "keeper"):
            continue
        for number, _, name in includes(path):
            allowed = (
                KEYLESS_CRYPTO
                | KEYLESS_IN.get(folder, set())
                | CUSTODIAN_CRYPTO.get(rel(path), set())
            )
            if name.startswith(("crypto/", "keys/")) and name not in allowed:
                yield f"{rel(path)}:{number}: {name}"


@check("crypto and pan know of the model only sizes")
def sizes_only():
    for path in c_files("src"):
        if rel(path).split("/")[1] in SIZES_ONLY:
            for number, _, name in includes(path):
                if name.startswith("model/") and name != "model/sizes.h":
                    yield f"{rel(path)}:{number}: {name}"


SIZED = (
    "fingerprint|token|probe|mac|envelope|incarnation|challenge|check_value|nonce|digest|key_ids"
)


@check("what has a size has it from model/sizes.h, not as a bare number")
def sizes():
    pattern = re.compile(rf"\b\w*(?:{SIZED})s?\[(?:static )?(?:[4-9]|\d\d+)\]")
    for path in c_files("src"):
        for number, line in enumerate(code(path).splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield f"{rel(path)}:{number}: {match.group(0)}"


@check("foreign headers are included where they belong")
def foreign():
    for path in c_files("src"):
        for number, _, name in includes(path):
            for prefix, allowed in FOREIGN.items():
                if name.startswith(prefix) and rel(path).split("/")[1] not in allowed:
                    yield f"{rel(path)}:{number}: {name}"


@check("every header compiles by itself")
def headers():
    flags = [
        "-std=gnu11",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{TOP}/src",
        f"-I{TOP}/include",
        f"-I{TOP}",
    ]
    packages = ["libcrypto", "libpq", "libmicrohttpd", "jansson", "inih", "libcurl", "p11-kit-1"]
    flags += subprocess.run(
        ["pkg-config", "--cflags", *packages], capture_output=True, text=True, check=False
    ).stdout.split()
    for path in c_files("src", "include"):
        if path.suffix == ".h":
            # Twice: the include guard works.
            source = f'#include "{path}"\n#include "{path}"\n'
            done = subprocess.run(
                ["gcc", "-fsyntax-only", *flags, "-x", "c", "-"],
                input=source,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                yield f"{rel(path)}: {done.stderr.strip().splitlines()[0]}"


@check("programs link what they should and no more")
def links():
    if build() is None:
        return
    for program, (wanted, unwanted) in LINKS.items():
        path = build() / program
        if not path.exists():
            yield f"{program}: not built"
            continue
        needed = re.findall(
            r"\(NEEDED\).*\[(.*?)\]",
            subprocess.run(
                ["readelf", "-d", path], capture_output=True, text=True, check=True
            ).stdout,
        )
        everything = subprocess.run(
            ["ldd", path], capture_output=True, text=True, check=True
        ).stdout
        for library in wanted:
            if not any(n.startswith(library + ".") for n in needed):
                yield f"{program} does not link {library}"
        for library in unwanted:
            if re.search(rf"^\s*{library}[.-]", everything, re.M):
                yield f"{program} comes with {library}"


@check("programs are hardened: PIE, full RELRO, no executable stack")
def hardened():
    if build() is None:
        return
    for program in LINKS:
        path = build() / program
        if not path.exists():
            continue
        out = subprocess.run(
            ["readelf", "-W", "-d", "-h", "-l", path], capture_output=True, text=True, check=True
        ).stdout
        if "DYN (" not in out:
            yield f"{program}: not position-independent"
        if "BIND_NOW" not in out and "Flags: NOW" not in out or "GNU_RELRO" not in out:
            yield f"{program}: not full RELRO"
        if re.search(r"GNU_STACK.*RWE", out):
            yield f"{program}: executable stack"
