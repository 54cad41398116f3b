# SPDX-License-Identifier: Apache-2.0
"""Requests with an Idempotency-Key, held and cut off where a test wants them to be."""

import itertools
import threading

from service import RING_LOCK, problem, wait_until

_keys = itertools.count()


def fresh():
    return f"key-{next(_keys)}-of-the-tests"


def post(api, path, body, key):
    """`key` None: without one."""
    return api.post(path, body, headers={} if key is None else {"Idempotency-Key": key})


def good(answer):
    assert answer.status_code == 200, (answer.status_code, problem(answer))
    return answer.json()


def refused(answer):
    return answer.status_code, problem(answer)


def rows(service):
    return service.sql("SELECT count(*) FROM card")[0][0]


class Held:
    """Holds a lock in a session of its own."""

    def __init__(self, service, statement):
        self.connection = service.connect()
        self.connection.cursor().execute(statement)

    def release(self):
        self.connection.close()


def hold_ring(service):
    return Held(service, f"SELECT pg_advisory_xact_lock({RING_LOCK})")


def waiting(service, application):
    return service.cluster.sql(
        "postgres",
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
        f"datname = '{service.database}' AND application_name = '{application}'",
    )[0][0]


def begin(api, path, body, key):
    answers = []

    def run():
        try:
            answers.append(post(api, path, body, key))
        except OSError as gone:
            answers.append(gone)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, answers


def kill_front(own, claims, thread, answers):
    """Kills the front, which waits to release a claim, and starts it again."""
    own.front.kill()
    claims.release()
    thread.join()
    assert isinstance(answers[0], OSError)
    own.start_front()
    own.wait_ready()


def kill_behind_commit(own, api, path, body, key, many):
    """The ring lock holds the request until the table of claims is locked; then `many` cards are
    committed, and the front, which waits to release the claim, is killed, and started again.
    """
    before = rows(own)
    ring = hold_ring(own)
    thread, answers = begin(api, path, body, key)
    wait_until(lambda: waiting(own, "jetond tokenize"), "the request waits")
    claims = Held(own, "LOCK TABLE idempotency IN SHARE MODE")
    ring.release()
    wait_until(lambda: rows(own) == before + many, "the cards are committed")
    kill_front(own, claims, thread, answers)
