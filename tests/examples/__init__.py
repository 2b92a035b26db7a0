"""The programs in `examples/`, run as their pages say."""
