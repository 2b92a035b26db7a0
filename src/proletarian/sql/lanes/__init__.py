"""Jobs under a limit: which lanes have room, and claims from them. The statements of all stand in `lanes.sql`."""
