"""An instance of RDS's, on moto: what an account has that keeps its databases there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from moto import mock_aws
from moto.rds.models import rds_backends

from fixtures.platforms.aws import Account

HOME = "ap-northeast-1"
OWNER = "123456789012"  # whose account moto has
ACCOUNT = Account(HOME, None, "lab", "lab")


class Hasty:
    """A clock on which no time passes but what is slept."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def now(self) -> float:
        return self.slept_s

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


@contextmanager
def an_instance(name: str, *, encrypted: bool = True, kept_days: int = 30) -> Iterator[Any]:
    """RDS's client; the instance has the one snapshot that RDS takes of it when it is made."""
    with mock_aws():
        rds = boto3.client("rds", HOME, aws_access_key_id="lab", aws_secret_access_key="lab")
        rds.create_db_instance(
            DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.r6g.2xlarge", AllocatedStorage=100,
            MasterUsername="owner", MasterUserPassword="not-a-secret", StorageEncrypted=encrypted,
            BackupRetentionPeriod=kept_days,
        )  # fmt: skip
        yield rds


def aged(name: str, made_s: float, snapshot_s: float) -> None:
    """As if it had been made so many seconds ago, and its snapshot taken so many."""
    backend, now_s = rds_backends[OWNER][HOME], time.time()
    backend.databases[name].instance_create_time = datetime.fromtimestamp(now_s - made_s, UTC)
    for one in backend.database_snapshots.values():
        if one.snapshot_type == "automated":
            one.created = one.original_snapshot_create_time = datetime.fromtimestamp(now_s - snapshot_s, UTC)
