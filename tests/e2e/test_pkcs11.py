# SPDX-License-Identifier: Apache-2.0
"""A master key that a hardware token opens: SoftHSM 2, and a module that does what devices may."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import masterfile
from cards import made_up
from service import BIN, wait_until
from softhsm import MODULE, Token
from terminal import Terminal

KEY = "jeton master"
BY_TOKEN = ("--pkcs11-token", "vault", "--pkcs11-key", KEY)


@pytest.fixture(scope="module")
def odd_module():
    """Where nobody else can change it, as it must be."""
    directory = Path(tempfile.mkdtemp(prefix="jeton-odd.", dir="/var/tmp"))
    flags = subprocess.run(
        ["pkg-config", "--cflags", "p11-kit-1"], capture_output=True, text=True, check=True
    ).stdout.split()
    source = Path(__file__).with_name("odd_module.c")
    module = directory / "odd.so"
    command = ["gcc", "-D_GNU_SOURCE", "-shared", "-fPIC", *flags, "-o", module, source, "-ldl"]
    subprocess.run(command, check=True)
    yield module
    shutil.rmtree(directory)


class Vault:
    """A service without keys, and a token."""

    def __init__(self, service, directory, monkeypatch):
        self.service = service
        self.directory = directory
        self.token = Token(directory)
        self.log = directory / "module.log"
        self.pin = directory / "pin"
        self.write_pin(Token.PIN)
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("SOFTHSM2_CONF", str(self.token.conf))
        monkeypatch.setenv("JETON_TEST_LOG", str(self.log))
        self.configure()

    def write_pin(self, pin, mode=0o600):
        self.pin.touch(0o600)
        self.pin.chmod(0o600)
        self.pin.write_text(pin + "\n", encoding="ascii")
        self.pin.chmod(mode)

    def configure(self, module=MODULE, **more):
        options = {"keeper_pkcs11_pin_file": self.pin, **more}
        options = {name: value for name, value in options.items() if value is not None}
        self.service.configure(keeper_pkcs11_module=module, **options)

    def be_odd(self, module, how, **more):
        self.log.write_text("", encoding="ascii")
        self.monkeypatch.setenv("JETON_TEST_ODD", how)
        self.configure(module, **more)

    def make_key(self, key=KEY):
        return subprocess.run(
            [BIN / "jeton-pkcs11", "--config", self.service.config]
            + ["--make-key", "--token", "vault", "--key", key],
            capture_output=True,
            text=True,
            check=False,
        )

    def ceremony(self, *arguments, check=True):
        return self.service.jeton("ceremony", *arguments, check=check)

    def unseal(self, check=True):
        return self.ceremony("unseal", check=check)

    def refused(self, code, told):
        """Unsealing fails, and says why; the keeper is as sealed as before."""
        done = self.unseal(check=False)
        assert done.returncode == code and told in done.stderr, (done.returncode, done.stderr)
        assert self.token.PIN not in done.stderr + done.stdout
        return done.stderr

    def start_sealed(self):
        def told():
            path = self.service.keeper_log
            text = path.read_text() if path.exists() else ""
            return text.count("sealed until its hardware token is asked")

        before = told()
        self.service.start_keeper()
        wait_until(lambda: told() > before, "the keeper serves")

    def set_up(self):
        """A master key under the token, and a keeper that is sealed."""
        assert self.make_key().returncode == 0
        self.ceremony("init", *BY_TOKEN)
        self.start_sealed()

    def master_file(self):
        return (self.service.keeper_directory / "master.key").read_bytes()

    def write_master_file(self, data):
        (self.service.keeper_directory / "master.key").write_bytes(data)

    def processes(self):
        """Those that speak with the token, of this test."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes()
            except OSError:
                continue
            if b"jeton-pkcs11" in line and str(self.service.config).encode() in line:
                found.append(int(path.parent.name))
        return found

    def begin(self):
        service = self.service
        service.start_front()
        service.wait_manageable()
        service.populate()


@pytest.fixture
def vault(make_service, tmp_path, monkeypatch):
    service = make_service(set_up=False)
    return Vault(service, tmp_path, monkeypatch)


def test_a_token_opens_the_master_key_of_a_vault(vault):
    service = vault.service
    service.jeton("migrate")
    made = vault.make_key()
    assert made.returncode == 0 and 'the key "jeton master" in the token "vault"' in made.stdout
    again = vault.make_key()
    assert again.returncode == 1 and "has a key" in again.stderr
    record = vault.ceremony("init", *BY_TOKEN).stdout
    assert "a key in a hardware token" in record and KEY in record and Token.PIN not in record
    service.jeton("init", "--operator-key", service.operator_key_file)  # asks the token as well
    vault.start_sealed()
    assert "it serves" in vault.unseal().stdout
    vault.begin()
    pan = made_up(1, series="pkcs11")
    token = service.app.tokenize(pan)

    # who reads the docs only can open it with the token
    label, serial, key, ident, nonce, sealed = masterfile.read_box(vault.master_file())
    assert (label, key, len(ident)) == (b"vault", KEY.encode(), 16)
    assert serial in made.stdout.encode()
    secret = vault.token.client("decrypt", KEY, ident.hex(), nonce.hex(), sealed.hex())
    environment, master = masterfile.open_with_secret(vault.master_file(), secret)
    assert environment == 1
    for path in (vault.directory, service.keeper_directory):
        files = [p.read_bytes() for p in path.rglob("*") if p.is_file()]
        assert files and not any(master in data or secret in data for data in files)

    # sealed by order, and after a start
    service.jeton("seal")
    assert service.app.post("/v1/fields/pan/tokenize", {"pan": pan}).status_code == 503
    vault.unseal()
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    service.stop()
    vault.start_sealed()
    assert vault.unseal().returncode == 0 and vault.processes() == []
    service.start_front()
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    log = "".join(path.read_text() for path in service.logs())
    assert Token.PIN not in log and secret.hex() not in log


def test_the_pin_is_typed_or_a_credential(vault, monkeypatch):
    vault.set_up()
    # a credential that is named is the service's: people are asked
    vault.configure(keeper_pkcs11_pin_file=None, keeper_pkcs11_pin_credential="pin")
    arguments = [BIN / "jeton", "ceremony", "unseal"]
    with Terminal(arguments, {"JETON_CONFIG": str(vault.service.config)}) as terminal:
        terminal.expect("PIN of the hardware token vault: ")
        (pid,) = vault.processes()
        assert not os.access(f"/proc/{pid}/environ", os.R_OK)
        terminal.type(Token.PIN)
        terminal.expect("it serves")
        assert terminal.end() == 0
        assert Token.PIN not in terminal.shown
    vault.service.jeton("seal")
    credentials = vault.directory / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "pin").write_text(Token.PIN, encoding="ascii")
    (credentials / "pin").chmod(0o440)  # as systemd puts them there
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert "it serves" in vault.unseal().stdout
    # without a terminal, and without anything stored, there is nobody to ask
    vault.service.jeton("seal")
    vault.configure(keeper_pkcs11_pin_file=None)
    done = subprocess.run(
        ["setsid", "--wait", *arguments],
        env={**os.environ, "JETON_CONFIG": str(vault.service.config)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 64 and "there is no terminal to ask at" in done.stderr


def test_a_wrong_pin_is_tried_once_and_what_locks_is_told(vault, odd_module):
    vault.set_up()

    def logins():
        return vault.log.read_text().splitlines().count("login")

    vault.write_pin("1234567")
    vault.be_odd(odd_module, "nothing")
    vault.refused(77, "this is not its PIN; it was tried once")
    assert logins() == 1
    vault.write_pin("")
    vault.be_odd(odd_module, "nothing")
    vault.refused(78, "the file of its PIN is empty; nothing was tried")
    for mode in (0o644, 0o640, 0o620):
        vault.write_pin(Token.PIN, mode)
        vault.refused(78, "nobody else can read (chmod 600)")
    vault.write_pin(Token.PIN)
    vault.be_odd(odd_module, "locked")
    vault.refused(77, "its PIN is locked after too many wrong ones")
    vault.be_odd(odd_module, "last try")
    vault.refused(77, "one try is left before its PIN is locked; what is stored is not tried")
    assert logins() == 0
    vault.be_odd(odd_module, "locks")
    vault.refused(77, "its PIN is locked after too many wrong ones")
    assert logins() == 1
    # a device that asks for it itself is given none
    vault.be_odd(odd_module, "keypad", keeper_pkcs11_pin_file=None)
    done = vault.unseal()
    assert "it asks for its PIN itself" in done.stderr and logins() == 1


def test_what_is_not_there_is_named(vault, odd_module):
    vault.set_up()
    away = vault.directory / "away"
    vault.token.directory.rename(away)
    vault.token.directory.mkdir(mode=0o700)
    vault.refused(69, 'hardware token "vault" is not there')
    vault.token.directory.rmdir()
    away.rename(vault.token.directory)
    vault.be_odd(odd_module, "taken away")
    vault.refused(69, "the token was taken away")
    vault.be_odd(odd_module, "no gcm")
    vault.refused(1, "does not encrypt by AES-GCM")
    # the module
    vault.configure("")
    vault.refused(78, "set pkcs11_module in [keeper]")
    vault.configure("libsofthsm2.so")
    vault.refused(78, "must be a path from /")
    vault.configure(vault.directory / "none.so")
    vault.refused(78, "none.so: No such file or directory")
    text = odd_module.with_name("text.so")
    text.write_text("not a library", encoding="ascii")
    vault.configure(text)
    vault.refused(78, "pkcs11_module cannot be loaded")
    libc = next(line.split()[-1] for line in open("/proc/self/maps") if "/libc.so.6" in line)
    vault.configure(libc)
    vault.refused(78, "is not a PKCS #11 module")
    vault.configure()
    assert "it serves" in vault.unseal().stdout


def test_a_module_that_others_can_change_is_not_loaded(vault, odd_module):
    vault.set_up()
    directory = odd_module.with_name("open")
    directory.mkdir(mode=0o755)
    module = directory / "odd.so"
    shutil.copy(odd_module, module)
    for path, loose, good in [(module, 0o775, 0o755), (module, 0o757, 0o755)] + [
        (directory, 0o777, 0o755),
        (directory, 0o775, 0o755),
    ]:
        path.chmod(loose)
        vault.be_odd(module, "nothing")
        vault.refused(78, "can be changed by others than root and this user")
        assert vault.log.read_text() == ""
        path.chmod(good)
    link = directory / "link.so"
    link.symlink_to(module)
    vault.be_odd(link, "nothing")
    vault.unseal()


def test_only_a_key_that_never_leaves_the_token_is_taken(vault, odd_module):
    for number, (kind, told) in enumerate(
        [
            ("extractable", "it can be taken out of the token"),
            ("outside", "it was made outside, or could be taken out of the token once"),
            ("short", "it is not an AES key of 256 bits"),
            ("mute", "it may not decrypt"),
        ]
    ):
        vault.token.client("make", kind, f"{number:02x}", kind)
        arguments = ("init", "--pkcs11-token", "vault", "--pkcs11-key", kind)
        done = vault.ceremony(*arguments, check=False)
        assert done.returncode == 1 and f'key "{kind}" is refused: {told}' in done.stderr
        assert "nothing was changed" in done.stderr
    for ident in ("a1", "a2"):
        vault.token.client("make", "twice", ident, "good")
    done = vault.ceremony("init", "--pkcs11-token", "vault", "--pkcs11-key", "twice", check=False)
    assert done.returncode == 1 and 'more than one key "twice"' in done.stderr
    done = vault.ceremony("init", *BY_TOKEN, check=False)
    assert done.returncode == 1 and f'has no key "{KEY}"' in done.stderr
    assert not (vault.service.keeper_directory / "master.key").exists()
    for arguments in [BY_TOKEN[:2], BY_TOKEN + ("--passphrase",), ("--pkcs11-key", KEY)]:
        assert vault.ceremony("init", *arguments, check=False).returncode == 64
    # a device that tells a nonce which it did not use: what it has encrypted would be lost
    assert vault.make_key().returncode == 0
    vault.be_odd(odd_module, "says no nonce")
    done = vault.ceremony("init", *BY_TOKEN, check=False)
    assert done.returncode == 1 and "it does not decrypt what it has encrypted" in done.stderr
    assert not (vault.service.keeper_directory / "master.key").exists()
    vault.token.add("vault")
    done = vault.ceremony("init", *BY_TOKEN, check=False)
    assert done.returncode == 1 and "more than one of that label" in done.stderr


def test_another_key_and_an_altered_file_open_nothing(vault, odd_module):
    vault.set_up()
    good = vault.master_file()
    *_, ident, nonce, sealed = masterfile.read_box(good)
    # a key more of that label is no matter: the file names the id
    vault.token.client("make", KEY, "77", "good")
    assert "it serves" in vault.unseal().stdout
    vault.service.jeton("seal")
    # a device that the key was brought to has another serial number
    vault.be_odd(odd_module, "another device")
    done = vault.unseal()
    assert "has another serial number than at the ceremony" in done.stderr
    vault.configure()
    vault.service.stop()
    for at, code, told in [
        (good.index(nonce), 1, "is not what its key"),
        (good.index(sealed) + 40, 1, "is not what its key"),
        (good.index(ident), 1, "of the id that master.key names"),
        (len(good) - 1, 1, "what the hardware token gave does not open the master key"),
        (12, 1, "what the hardware token gave does not open the master key"),
    ]:
        altered = bytearray(good)
        altered[at] ^= 1
        vault.write_master_file(altered)
        vault.start_sealed()
        vault.refused(code, told)
        vault.service.stop()
    vault.write_master_file(good)
    # the key was erased, and one of its name and id put in its place
    vault.token.client("erase", KEY, ident.hex())
    vault.start_sealed()
    vault.refused(1, f'has no key "{KEY}" of the id that master.key names')
    vault.token.client("make", KEY, ident.hex(), "good")
    vault.refused(1, "the file was altered, or it is another key of that name")


def test_from_a_passphrase_to_a_token_and_back_the_cards_are_there(vault, odd_module):
    service = vault.service
    service.jeton("migrate")
    phrase = vault.directory / "phrase"
    phrase.touch(0o600)
    phrase.write_text("a passphrase for tests only\n", encoding="ascii")
    vault.configure(keeper_passphrase_file=phrase)
    service.jeton("init", "--operator-key", service.operator_key_file)
    service.start_keeper()
    vault.begin()
    pan = made_up(2, series="pkcs11")
    token = service.app.tokenize(pan)
    service.stop()

    assert vault.make_key().returncode == 0
    vault.be_odd(odd_module, "own nonce", keeper_passphrase_file=phrase)
    vault.ceremony("reshare", *BY_TOKEN, "--present-passphrase-file", phrase)
    assert masterfile.read_box(vault.master_file())[4] == b"\x77" * 12  # as the token chose it
    first = vault.master_file()
    vault.start_sealed()
    vault.unseal()
    service.start_front()
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    service.stop()

    # to itself: a new secret; then back
    vault.configure()
    vault.ceremony("reshare", *BY_TOKEN)
    second = vault.master_file()
    assert masterfile.read_box(first)[5] != masterfile.read_box(second)[5]
    vault.ceremony("reshare", "--passphrase-file", phrase)
    vault.configure("", keeper_passphrase_file=phrase)
    service.start()
    service.wait_ready()
    assert service.app.detokenize(token) == pan


def test_a_token_that_hangs_is_given_up_and_its_process_is_closed_to_others(vault, odd_module):
    vault.set_up()
    vault.be_odd(odd_module, "hangs", keeper_pkcs11_timeout=1)
    vault.refused(69, "does not answer: pkcs11_timeout in [keeper] is over")
    assert vault.processes() == []

    # while it has the PIN, and the secret is on its way
    vault.be_odd(odd_module, "hangs", keeper_pkcs11_timeout=600)
    waiting = subprocess.Popen(
        [BIN / "jeton", "ceremony", "unseal"],
        env={**os.environ, "JETON_CONFIG": str(vault.service.config)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: "decrypt" in vault.log.read_text(), "the module hangs")
        (pid,) = vault.processes()
        for process in (pid, waiting.pid):
            assert Token.PIN.encode() not in Path(f"/proc/{process}/cmdline").read_bytes()
            for name in ("environ", "mem", "maps"):
                with pytest.raises(PermissionError):
                    Path(f"/proc/{process}/{name}").read_bytes()
            assert "Max core file size        0                    0" in (
                Path(f"/proc/{process}/limits").read_text()
            )
        os.kill(pid, 9)
        _, told = waiting.communicate(timeout=60)
        assert waiting.returncode == 1 and "was ended by a signal" in told
        assert vault.processes() == []
    finally:
        waiting.kill()
        waiting.wait()
    # who waits is killed: the process that holds the PIN does not stay
    vault.be_odd(odd_module, "hangs", keeper_pkcs11_timeout=600)
    waiting = subprocess.Popen(
        [BIN / "jeton", "ceremony", "unseal"],
        env={**os.environ, "JETON_CONFIG": str(vault.service.config)},
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: "decrypt" in vault.log.read_text(), "the module hangs")
        assert vault.processes() != []
    finally:
        waiting.kill()
        waiting.wait()
    wait_until(lambda: vault.processes() == [], "it has ended as well")
