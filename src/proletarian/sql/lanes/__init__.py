"""Jobs under a limit: which lanes have room, and claims from them. The statements are in `lanes.sql`."""
