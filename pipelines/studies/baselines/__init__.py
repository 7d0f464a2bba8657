"""Other people's methods, in the harness that ours is measured in."""
