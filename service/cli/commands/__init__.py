"""Commands that speak to a service, a module for each noun; the first key needs none."""
