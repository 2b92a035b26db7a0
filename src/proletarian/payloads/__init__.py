"""From a handler's signature to a payload, and back: what may travel, and what the handler receives. No I/O."""
