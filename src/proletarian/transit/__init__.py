"""
Transit, the format of payloads in tables shared with a Clojure application.

    from proletarian import Queue
    from proletarian.transit import Keyword, TransitSerializer

    shared = Queue(serializer=TransitSerializer())
    shared.enqueue(connection, ":app/send-mail", {Keyword("account-id"): 42})
"""

from proletarian.transit.serializer import TransitSerializer
from proletarian.transit.values import URI, Char, FrozenMap, Keyword, Symbol, TaggedValue, Vector

__all__ = ["URI", "Char", "FrozenMap", "Keyword", "Symbol", "TaggedValue", "TransitSerializer", "Vector"]
