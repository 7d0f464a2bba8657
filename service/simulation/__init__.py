"""The loop in simulated time: people whose tastes drift, a real service and worker, and what a schedule earns."""
