"""From a handler's signature to a payload, and back: what may travel, and what a handler gets of it. No I/O."""
