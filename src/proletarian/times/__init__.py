"""Time, as a job meets it: how long, until when, which moments a database holds, when a schedule ticks. No I/O."""
