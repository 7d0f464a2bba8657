"""The faults of `make faults`: attacks, kills, stops, outages, odd files and full disks on real processes, counted by kind."""
