"""The pages of the dashboard, one file each: functions of the request."""
