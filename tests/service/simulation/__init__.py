"""Tests of the simulation of the loop."""
