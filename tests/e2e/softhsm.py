# SPDX-License-Identifier: Apache-2.0
"""A hardware token of SoftHSM 2, in files of the test's own, and a PKCS #11 client over ctypes that
shares no code with src/: it makes keys that Jeton must refuse, and decrypts what stands in
master.key.

What the client does, it does in a process of its own: python3 softhsm.py LABEL PIN ACT...
"""

import ctypes
import os
import subprocess
import sys

MODULE = "/usr/lib/softhsm/libsofthsm2.so"

# PKCS #11 v2.40
CKA_CLASS, CKA_TOKEN, CKA_LABEL, CKA_KEY_TYPE, CKA_ID = 0x0, 0x1, 0x3, 0x100, 0x102
CKA_SENSITIVE, CKA_ENCRYPT, CKA_DECRYPT, CKA_VALUE_LEN = 0x103, 0x104, 0x105, 0x161
CKA_EXTRACTABLE, CKA_VALUE = 0x162, 0x11
CKO_SECRET_KEY, CKK_AES = 4, 0x1F
CKM_AES_KEY_GEN, CKM_AES_GCM = 0x1080, 0x1087
CKF_RW_SESSION, CKF_SERIAL_SESSION, CKU_USER = 2, 4, 1
Long = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("type", Long), ("value", ctypes.c_void_p), ("length", Long)]


class Mechanism(ctypes.Structure):
    _fields_ = [("type", Long), ("parameter", ctypes.c_void_p), ("length", Long)]


class Gcm(ctypes.Structure):
    _fields_ = [
        ("nonce", ctypes.c_char_p),
        ("nonce_length", Long),
        ("nonce_bits", Long),
        ("associated", ctypes.c_char_p),
        ("associated_length", Long),
        ("tag_bits", Long),
    ]


class Client:
    """One session, as the token's user."""

    def __init__(self, label, pin):
        self._kept = []
        self._library = ctypes.CDLL(MODULE)
        self._call("C_Initialize", None)
        slots, count = (Long * 16)(), Long(16)
        self._call("C_GetSlotList", ctypes.c_ubyte(1), slots, ctypes.byref(count))
        for slot in slots[: count.value]:
            info = ctypes.create_string_buffer(512)
            self._call("C_GetTokenInfo", Long(slot), info)
            if info.raw[:32].rstrip() == label.encode():
                break
        else:
            raise LookupError(label)
        self._session = Long()
        flags = Long(CKF_RW_SESSION | CKF_SERIAL_SESSION)
        self._call("C_OpenSession", Long(slot), flags, None, None, ctypes.byref(self._session))
        secret = pin.encode()
        self._call("C_Login", self._session, Long(CKU_USER), secret, Long(len(secret)))

    def _call(self, name, *arguments):
        result = getattr(self._library, name)(*arguments)
        if result != 0:
            raise RuntimeError(f"{name}: {result:#x}")

    def _attributes(self, values):
        rows = []
        for kind, value in values.items():
            if isinstance(value, bool):
                data = bytes([value])
            elif isinstance(value, int):
                data = value.to_bytes(ctypes.sizeof(Long), sys.byteorder)
            else:
                data = value
            buffer = ctypes.create_string_buffer(data, len(data))
            self._kept.append(buffer)
            rows.append((kind, ctypes.cast(buffer, ctypes.c_void_p), len(data)))
        return (Attribute * len(rows))(*rows), Long(len(rows))

    def make(self, label, ident, length=32, **changed):
        """A key as Jeton makes it, but for what is changed."""
        values = {
            CKA_CLASS: CKO_SECRET_KEY,
            CKA_KEY_TYPE: CKK_AES,
            CKA_VALUE_LEN: length,
            CKA_TOKEN: True,
            CKA_LABEL: label.encode(),
            CKA_ID: ident,
            CKA_SENSITIVE: True,
            CKA_EXTRACTABLE: changed.get("extractable", False),
            CKA_ENCRYPT: True,
            CKA_DECRYPT: changed.get("decrypts", True),
        }
        made = Mechanism(CKM_AES_KEY_GEN, None, 0)
        if "value" in changed:  # brought in from outside
            del values[CKA_VALUE_LEN]
            values[CKA_VALUE] = changed["value"]
        rows, count = self._attributes(values)
        handle = ctypes.byref(Long())
        if "value" in changed:
            self._call("C_CreateObject", self._session, rows, count, handle)
        else:
            self._call("C_GenerateKey", self._session, ctypes.byref(made), rows, count, handle)

    def find(self, label, ident):
        rows, count = self._attributes({CKA_LABEL: label.encode(), CKA_ID: ident})
        self._call("C_FindObjectsInit", self._session, rows, count)
        found, n = (Long * 2)(), Long()
        self._call("C_FindObjects", self._session, found, Long(2), ctypes.byref(n))
        self._call("C_FindObjectsFinal", self._session)
        assert n.value == 1, n.value
        return Long(found[0])

    def erase(self, label, ident):
        self._call("C_DestroyObject", self._session, self.find(label, ident))

    def decrypt(self, label, ident, nonce, sealed):
        associated = b"jeton/v1/pkcs11"
        gcm = Gcm(nonce, len(nonce), 8 * len(nonce), associated, len(associated), 128)
        by = Mechanism(CKM_AES_GCM, ctypes.cast(ctypes.byref(gcm), ctypes.c_void_p), 48)
        self._call("C_DecryptInit", self._session, ctypes.byref(by), self.find(label, ident))
        out, length = ctypes.create_string_buffer(64), Long(64)
        self._call("C_Decrypt", self._session, sealed, Long(len(sealed)), out, ctypes.byref(length))
        return out.raw[: length.value]


class Token:
    """Its files, and how the client of this module is run on it."""

    PIN = "12345678"

    def __init__(self, directory, label="vault"):
        self.directory = directory / "tokens"
        self.directory.mkdir(mode=0o700)
        self.label = label
        self.conf = directory / "softhsm2.conf"
        self.conf.write_text(
            f"directories.tokendir = {self.directory}\nobjectstore.backend = file\n"
            "log.level = ERROR\n",
            encoding="ascii",
        )
        self.add(label)

    def add(self, label):
        """One more token of this label, or of another."""
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label]
            + ["--pin", self.PIN, "--so-pin", "87654321"],
            env={**os.environ, "SOFTHSM2_CONF": str(self.conf)},
            check=True,
            capture_output=True,
        )

    def client(self, *act):
        done = subprocess.run(
            [sys.executable, __file__, self.label, self.PIN, *act],
            env={**os.environ, "SOFTHSM2_CONF": str(self.conf)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return bytes.fromhex(done.stdout.strip())


def main():
    label, pin, act, key, ident, *rest = sys.argv[1:]
    client, ident = Client(label, pin), bytes.fromhex(ident)
    if act == "make":
        kinds = {
            "good": {},
            "extractable": {"extractable": True},
            "short": {"length": 16},
            "mute": {"decrypts": False},
            "outside": {"value": bytes(range(32))},
        }
        client.make(key, ident, **kinds[rest[0]])
    elif act == "erase":
        client.erase(key, ident)
    else:
        print(client.decrypt(key, ident, *map(bytes.fromhex, rest)).hex())


if __name__ == "__main__":
    main()
