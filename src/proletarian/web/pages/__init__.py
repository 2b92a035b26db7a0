"""The pages of the dashboard, a file each: functions of what is asked."""
