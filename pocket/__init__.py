"""The recipe of `pocket`, the base model that ships with Sosie: a small FLUX.1, from nothing.

    python -m pocket.draw      pictures of people who do not exist, with captions and ground truth
    python -m pocket.build     autoencoder -> latents -> transformer -> a diffusers folder
    python -m pocket.ship      that folder, in place of the one that ships
    python -m pocket.judges    networks that read attributes, people and hands from pictures

Everything here is a maker of weights: nothing under src/ imports it.
"""
