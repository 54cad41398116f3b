# SPDX-License-Identifier: Apache-2.0
"""The master key and the people who keep it: a passphrase, shares, ceremonies, a sealed keeper."""

import re

import pytest

import masterfile
from cards import made_up
from service import BIN, wait_until
from terminal import Terminal

PHRASE = "a passphrase for tests only"


def write_secret(path, text):
    path.touch(0o600)
    path.write_text(text + "\n", encoding="ascii")
    return path


@pytest.fixture
def bare(make_service):
    """Neither keys nor tables; of processes, those that the test starts."""
    service = make_service(set_up=False)
    service.jeton("migrate")
    return service


def master_file(service):
    return (service.keeper_directory / "master.key").read_bytes()


def ceremony(service, act, *arguments, check=True):
    return service.jeton("ceremony", act, *arguments, check=check)


def share_files(service, directory, names, threshold, act="init", *more):
    directory.mkdir(mode=0o700)
    done = ceremony(
        service,
        act,
        "--shares",
        len(names),
        "--threshold",
        threshold,
        "--custodians",
        ",".join(names),
        "--to",
        directory,
        *more,
    )
    return {name: directory / f"{name}.share" for name in names}, done


def unseal(service, *files, check=True):
    return service.jeton("ceremony", "unseal", *files, check=check)


def start_sealed(service):
    service.start_keeper()
    wait_until(lambda: "sealed until its" in service.keeper_log.read_text(), "the keeper serves")


def registered(service):
    """The front has found the keeper and has its place, before there is a generation."""
    wait_until(lambda: "node: registered" in service.front_log.read_text(), "it has its place")
    service.wait_manageable()


def begin(service):
    service.start()
    registered(service)
    service.populate()


def at_terminal(service, *arguments):
    return Terminal([BIN / "jeton", *arguments], {"JETON_CONFIG": str(service.config)})


def test_a_passphrase_in_a_file_or_a_credential_opens_the_master_key(bare, tmp_path, monkeypatch):
    service = bare
    phrase = write_secret(tmp_path / "phrase", PHRASE)
    service.configure(keeper_passphrase_file=phrase)
    service.jeton("init", "--operator-key", service.operator_key_file)
    begin(service)
    pan = made_up(1, series="custody")
    token = service.app.tokenize(pan)
    # who reads the docs only can open it by the passphrase
    environment, key = masterfile.open_with_passphrase(master_file(service), PHRASE)
    assert environment == 1 and key not in master_file(service)

    # as a credential of systemd
    service.stop()
    credentials = tmp_path / "credentials"
    credentials.mkdir(mode=0o700)
    write_secret(credentials / "master", PHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    service.configure(keeper_passphrase_credential="master")
    service.start()
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    service.stop()

    # what does not open it, or is open to others, is told, and the keeper does not start
    for text, mode, told in [
        ("another one of that length", 0o600, "the passphrase does not open master.key"),
        (PHRASE, 0o644, "kind, owner or mode of the file are not safe"),
    ]:
        phrase.chmod(0o600)
        write_secret(phrase, text)
        phrase.chmod(mode)
        service.configure(keeper_passphrase_file=phrase)
        service.start_keeper()
        wait_until(lambda: not service.keeper.running, "the keeper has ended")
        log = service.keeper_log.read_text()
        assert told in log and PHRASE not in log and "another one" not in log
    # whoever knows it can still type it
    service.configure()
    start_sealed(service)
    with at_terminal(service, "ceremony", "unseal") as terminal:
        terminal.expect("Passphrase of the master key: ")
        terminal.type(PHRASE)
        assert terminal.end() == 0
        assert PHRASE not in terminal.shown
    service.start_front()
    service.wait_ready()
    assert service.app.detokenize(token) == pan


def test_shares_of_custodians_open_it_and_sealing_wipes_it(bare, tmp_path):
    service = bare
    record = tmp_path / "record.txt"
    shares, done = share_files(
        service, tmp_path / "shares", ["anna", "bert", "carl"], 2, "init", "--record", record
    )
    assert record.read_text() == done.stdout
    assert re.search(r"any 2 of 3 open it", done.stdout) and "bert" in done.stdout
    assert "a master key is made and sealed" in done.stderr
    texts = {name: path.read_text().strip() for name, path in shares.items()}
    assert not any(t in done.stdout + done.stderr for t in texts.values())
    assert {p.stat().st_mode & 0o777 for p in shares.values()} == {0o600}
    _, key = masterfile.open_with_shares(master_file(service), [texts["carl"], texts["anna"]])
    assert key not in master_file(service)
    again = ceremony(service, "init", "--passphrase-file", shares["anna"], check=False)
    assert again.returncode == 1 and "has a master key already" in again.stderr

    # set up by two of them, at the terminal
    with at_terminal(service, "init", "--operator-key", str(service.operator_key_file)) as terminal:
        terminal.expect("Share 1 of 2: ")
        terminal.type(texts["bert"].upper())
        terminal.expect("Share 2 of 2: ")
        terminal.type(texts["bert"])
        terminal.expect("this share was given already")
        terminal.expect("Share 2 of 2: ")
        terminal.type(texts["anna"][:-3] + "xyz")
        terminal.expect("mistyped")
        terminal.expect("Share 2 of 2: ")
        terminal.type(texts["anna"].replace("-", " "))
        assert terminal.end() == 0
        assert not any(t in terminal.shown for t in texts.values())
    start_sealed(service)
    service.start_front()
    refused = unseal(service, shares["anna"], shares["anna"], check=False)
    assert refused.returncode == 1 and "given already" in refused.stderr
    assert not service.ready()
    assert "it serves" in unseal(service, shares["carl"]).stdout
    registered(service)
    service.populate()
    pan = made_up(2, series="custody")
    token = service.app.tokenize(pan)

    assert "wiped" in service.jeton("seal").stdout
    answer = service.app.post("/v1/fields/pan/detokenize", {"token": token})
    assert answer.status_code == 503, answer.text
    assert service.app.post("/v1/fields/pan/tokenize", {"pan": pan}).status_code == 503
    service.wait_unready()
    assert unseal(service, *list(shares.values())[:2]).returncode == 0
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    assert service.app.tokenize(pan) == token
    assert unseal(service).returncode == 0  # there is nothing to do
    log = "".join(path.read_text(errors="replace") for path in service.logs())
    assert "unsealed: 0 generation keys" in log
    assert not any(t in log or t[4:20] in log for t in texts.values())


def test_a_ceremony_shows_each_share_to_one_custodian_and_has_it_typed_back(bare, tmp_path):
    service = bare
    texts = {}
    with at_terminal(
        service,
        "ceremony",
        "init",
        *("--shares", "2", "--threshold", "2", "--custodians", "anna,bert"),
    ) as terminal:
        for place, name in enumerate(["anna", "bert"], 1):
            terminal.expect(f"Share {place} of 2, for {name}.")
            terminal.expect("to see it. ")
            terminal.type("")
            shown = terminal.expect("Write it down.")
            texts[name] = re.search(r"jks_[0-9a-z-]+", shown).group()
            terminal.expect("cleared then. ")
            terminal.type("")
            terminal.expect("\033[2J")
            terminal.expect("Type the share back: ")
            terminal.type("jks_it-was-like-this")
            terminal.expect("mistyped")
            terminal.expect("Type the share back: ")
            terminal.type(texts["anna"])
            if name == "bert":
                terminal.expect("not a share of this master key")
                terminal.expect("Type the share back: ")
                terminal.type(texts["bert"])
            terminal.expect(f"Type your name ({name}) to acknowledge: ")
            terminal.type("somebody")
            terminal.expect(f"Type your name ({name}) to acknowledge: ")
            assert not (service.keeper_directory / "master.key").exists()
            terminal.type(name)
        terminal.expect("any 2 of 2 open it")
        assert terminal.end() == 0
    environment, _ = masterfile.open_with_shares(master_file(service), texts.values())
    assert environment == 1


def test_who_breaks_off_a_ceremony_has_changed_nothing(bare):
    service = bare
    with at_terminal(
        service,
        "ceremony",
        "init",
        *("--shares", "3", "--threshold", "2", "--custodians", "anna,bert,carl"),
    ) as terminal:
        terminal.expect("to see it. ")
        terminal.type("\x03")
        assert terminal.end() != 0
    assert not (service.keeper_directory / "master.key").exists()
    wrong = ceremony(service, "init", "--shares", "3", "--threshold", "2", check=False)
    assert wrong.returncode == 64 and "as many different names" in wrong.stderr


def test_shared_anew_the_old_shares_are_void_and_the_cards_are_there(bare, tmp_path):
    service = bare
    phrase = write_secret(tmp_path / "phrase", PHRASE)
    service.configure(keeper_passphrase_file=phrase)
    service.jeton("init", "--operator-key", service.operator_key_file)
    begin(service)
    pan = made_up(3, series="custody")
    token = service.app.tokenize(pan)
    running = ceremony(service, "reshare", "--passphrase-file", phrase, check=False)
    assert running.returncode == 1  # the keeper that serves has the directory
    service.stop()

    shares, _ = share_files(
        service,
        tmp_path / "first",
        ["anna", "bert"],
        2,
        "reshare",
        *("--present-passphrase-file", phrase),
    )
    others, _ = share_files(
        service,
        tmp_path / "second",
        ["anna", "dora", "emil"],
        2,
        "reshare",
        *shares.values(),
    )
    service.start_keeper()
    wait_until(lambda: "sealed until its shares" in service.keeper_log.read_text(), "it serves")
    refused = unseal(service, shares["anna"], check=False)
    assert refused.returncode == 1 and "of before it was shared anew" in refused.stderr
    assert unseal(service, others["anna"], others["emil"]).returncode == 0
    service.start_front()
    service.wait_ready()
    assert service.app.detokenize(token) == pan
    # a node more comes up with a copy of the file and the same shares
    node = service.add_node(start=False)
    start_sealed(node)
    assert unseal(node, others["dora"], others["emil"]).returncode == 0
    node.start_front()
    node.wait_ready()
    assert node.app.detokenize(token) == pan


def test_what_lies_in_the_clear_cannot_be_sealed(service):
    answer = service.jeton("seal", check=False)
    assert answer.returncode == 1 and "in the clear" in answer.stderr
    assert service.app.tokenize(made_up(4, series="custody"))
