"""`proletarian demo`."""
