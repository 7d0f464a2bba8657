"""Runs and studies of the recommender that needs no training."""
