"""Time, as jobs use it: durations, deadlines, moments that databases can hold, ticks of schedules. No I/O."""
