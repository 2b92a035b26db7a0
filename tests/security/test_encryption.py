"""The encrypting serializer: unreadable in the database, and keys can be changed."""

from __future__ import annotations

import pytest

from proletarian import ConfigurationError, NewJob, Queue, Tasks, Worker
from proletarian.encryption import EncryptingSerializer
from proletarian.errors import UnreadablePayload
from tests.databases import PrivateDatabase

OLD, NEW = EncryptingSerializer.new_key(), EncryptingSerializer.new_key()


def test_a_job_runs_and_its_payload_is_nowhere_in_plain_text(database: PrivateDatabase) -> None:
    tasks = Tasks(queue=Queue(serializer=EncryptingSerializer([NEW])))
    seen = []

    @tasks.task
    def greet(name: str) -> None:
        seen.append(name)

    database.put(greet.job(name="the secret name"), queue=tasks.queue)
    [(stored,)] = database.rows(f"SELECT payload FROM {database.table('job')}")
    Worker(database.url, tasks).drain()

    assert seen == ["the secret name"]
    assert stored.startswith("fernet:")
    assert database.archive("payload") == [(stored,)]


def test_keys_are_changed_by_putting_the_new_one_in_front() -> None:
    before = EncryptingSerializer([OLD]).encode({"n": 1})
    both = EncryptingSerializer([NEW, OLD])

    assert both.decode(before) == {"n": 1}
    assert EncryptingSerializer([NEW]).decode(both.encode({"n": 2})) == {"n": 2}
    with pytest.raises(UnreadablePayload, match="none of the keys"):
        EncryptingSerializer([NEW]).decode(before)


def test_a_changed_payload_and_a_made_up_one_are_refused(sqlite: PrivateDatabase) -> None:
    text = EncryptingSerializer([NEW]).encode({"n": 1})
    tasks = Tasks(queue=Queue(serializer=EncryptingSerializer([NEW])))

    @tasks.task
    def greet(n: int) -> None: ...

    for changed in (text[:-3] + "AA=", '{"n": 1}', "fernet:", "fernet:é"):
        sqlite.empty()
        sqlite.put(NewJob("greet", {"n": 1}))
        sqlite.rows(f"UPDATE {sqlite.table('job')} SET payload = %s", [changed])
        Worker(sqlite.url, tasks).drain()
        assert sqlite.archive("status") == [("failure",)]


def test_payloads_from_before_are_read_if_that_is_wanted() -> None:
    assert EncryptingSerializer([NEW], accept_plain=True).decode('{"n":1}') == {"n": 1}


def test_no_key_is_shown() -> None:
    assert NEW not in repr(EncryptingSerializer([NEW]))
    assert NEW not in repr(Queue(serializer=EncryptingSerializer([NEW])))


@pytest.mark.parametrize("keys", [[], "abc", ["abc"], [b""]])
def test_keys_that_are_none_are_refused_without_being_shown(keys: list[str]) -> None:
    with pytest.raises(ConfigurationError) as told:
        EncryptingSerializer(keys)
    assert "abc" not in str(told.value)
