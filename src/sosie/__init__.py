"""Sosie: personal image models, with permission."""
