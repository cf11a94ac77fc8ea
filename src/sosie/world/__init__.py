"""Synthetic people with ground truth: nobody real, everything known."""
