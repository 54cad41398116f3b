# SPDX-License-Identifier: Apache-2.0
"""Copies of a test cluster as operators keep them: dumps, and a base backup with its WAL archive.
Each is brought back as a database of its own.
"""

import shutil
import subprocess
from pathlib import Path

from service import Cluster, pg_bin, wait_until


class Archived(Cluster):
    """A cluster whose WAL goes to an archive, from its first file on."""

    def __init__(self, directory):
        self.archive = Path(directory) / "archive"
        self.archive.mkdir()
        settings = [
            "archive_mode = on",
            f"archive_command = 'cp %p {self.archive}/%f.part && "
            f"mv {self.archive}/%f.part {self.archive}/%f'",
            "log_checkpoints = off",
        ]
        super().__init__(directory, settings)
        self.base = Path(directory) / "base"

    def back_up(self):
        """The base backup, without WAL: what it needs comes from the archive."""
        subprocess.run(
            [pg_bin("pg_basebackup"), "-h", self.directory, "-U", "postgres", "-D", self.base]
            + ["-X", "none", "-c", "fast", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def mark(self, name):
        """A moment to which one can go back; when it returns, its WAL is in the archive."""
        self.sql("postgres", "SELECT pg_create_restore_point(%s)", (name,))
        file = self.sql("postgres", "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")[0][0]
        self.sql("postgres", "SELECT pg_switch_wal()")
        wait_until((self.archive / file).exists, "the WAL is archived")

    def dump(self, database, path):
        subprocess.run(
            [pg_bin("pg_dump"), "-h", self.directory, "-U", "postgres", "-f", path, database],
            check=True,
        )

    def load(self, path, name):
        """A dump as a database of this cluster."""
        self.create_database(name)
        subprocess.run(
            [pg_bin("psql"), "-h", self.directory, "-U", "postgres", "-d", name, "-q"]
            + ["-v", "ON_ERROR_STOP=1", "-f", path],
            check=True,
            stdout=subprocess.DEVNULL,
        )


class Recovered(Cluster):
    """The cluster as it was at a marked moment: the base backup, and WAL from the archive."""

    def __init__(self, directory, source, moment):
        self.directory = Path(directory)
        self.directory.mkdir(mode=0o700)
        self.port = source.port
        self.data = self.directory / "pg"
        self.log = self.directory / "postgres.log"
        shutil.copytree(source.base, self.data)
        lines = [
            f"unix_socket_directories = '{self.directory}'",
            "archive_mode = off",
            f"restore_command = 'cp {source.archive}/%f %p'",
            f"recovery_target_name = '{moment}'",
            "recovery_target_action = promote",
        ]
        with open(self.data / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write("\n".join(lines) + "\n")
        (self.data / "recovery.signal").touch()
        self.start()
        wait_until(
            lambda: self.sql("postgres", "SELECT pg_is_in_recovery()") == [(False,)],
            "the recovery is over",
        )
