"""What an application may ask on its connection: which jobs there are, why they do not run, how the system is doing."""
