"""How jobs are enqueued: alone, many at once, unique, after others; and what applications run around enqueues."""
