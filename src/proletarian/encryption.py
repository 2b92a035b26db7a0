"""
Payloads that only your own processes can read: `pip install 'proletarian[encryption]'`.

    KEYS = os.environ["JOB_KEYS"].split()                 # the newest first
    tasks = Tasks(queue=Queue(serializer=EncryptingSerializer(KEYS)))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proletarian.errors import ConfigurationError, UnreadablePayload
from proletarian.serializers import JsonSerializer, Serializer

PREFIX = "fernet:"


class EncryptingSerializer:
    """
    Encrypts payloads and results with Fernet (AES-128-CBC and HMAC-SHA-256): the database holds no plain text of them.

    `keys` are Fernet keys; `new_key()` makes one. The first encrypts, all can decrypt: to change keys, put the new one
    in front, first where jobs are run and then where they are enqueued, and remove the old one when its jobs are gone
    from the queue (and no longer needed in the archive).

    `inner` makes the text that is encrypted. With `accept_plain`, payloads that were enqueued before
    encryption was introduced are still read; without it they are refused, so that nobody who can write
    to the tables, but has no key, can forge a job.

    Headers, job types and errors are not encrypted.

    >>> key = EncryptingSerializer.new_key()
    >>> serializer = EncryptingSerializer([key])
    >>> text = serializer.encode({"account_id": 42})
    >>> "account_id" in text, serializer.decode(text)
    (False, {'account_id': 42})
    """

    def __init__(
        self, keys: Sequence[str | bytes], *, inner: Serializer | None = None, accept_plain: bool = False
    ) -> None:
        try:
            from cryptography.fernet import Fernet, InvalidToken, MultiFernet
        except ImportError as error:
            raise ConfigurationError(
                f"encryption needs cryptography ({error}): pip install 'proletarian[encryption]'"
            ) from error
        if isinstance(keys, (str, bytes)) or not keys:
            raise ConfigurationError("keys is a list of at least one Fernet key, the newest first")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except (TypeError, ValueError):
            raise ConfigurationError("a key is not a Fernet key; EncryptingSerializer.new_key() makes one") from None
        self._invalid = InvalidToken
        self._inner = inner or JsonSerializer()
        self._accept_plain = accept_plain

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # never the keys

    @staticmethod
    def new_key() -> str:
        """A new key; keep it where you keep passwords."""
        from cryptography.fernet import Fernet

        return Fernet.generate_key().decode()

    def encode(self, data: Any) -> str:
        """The payload, encrypted with the first key."""
        return PREFIX + self._fernet.encrypt(self._inner.encode(data).encode()).decode()

    def decode(self, text: str) -> Any:
        """The payload; raises `UnreadablePayload` if no key fits, or if somebody has changed the text."""
        if not text.startswith(PREFIX):
            if self._accept_plain:
                return self._inner.decode(text)
            raise UnreadablePayload("the payload is not encrypted, and this worker accepts only encrypted ones")
        try:
            plain = self._fernet.decrypt(text.removeprefix(PREFIX)).decode()
        except self._invalid:
            raise UnreadablePayload("none of the keys decrypts the payload, or it was changed") from None
        return self._inner.decode(plain)
