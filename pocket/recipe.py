"""Every number of the recipe, in frozen records; the smoke recipe derives from the real one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
class AutoencoderRecipe:
    """A small f8 autoencoder with FLUX's 16 latent channels, trained on random crops."""

    channels: tuple[int, ...] = (16, 32, 64, 128)
    """Few channels where there are many pixels: on a CPU the full resolution is what costs."""
    latent_channels: int = 16
    crop: int = 64
    """Side of the training crops, in pixels: the network is convolutional, so small crops do."""
    batch: int = 32
    steps: int = 600
    matrix_rate: float = 1e-3
    """Muon's step for the convolutions, as the root mean square of one update."""
    vector_rate: float = 2e-3
    """AdamW's step for norms, biases and the layers at both ends."""
    latent_noise: float = 0.35
    """Most noise added to the code before decoding, as a share of the code's deviation.

    Each crop draws its amount from 0 to this: neighbouring codes come to mean similar pictures,
    what no transformer could predict is left out of the code, and a code that is a little wrong
    still decodes to a face.
    """
    kl_weight: float = 1e-4
    gradient_weight: float = 1.0
    """Weight of the error in differences of neighbouring pixels, which keeps eyes sharp."""
    refining_steps: int = 400
    """Steps for the decoder alone, once the encoder is fixed."""
    refining_gradient_weight: float = 2.0
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class TextRecipe:
    """The two text encoders; both are trained with the transformer, from nothing."""

    length: int = 48
    """Tokens of a caption, padding included. Pads are part of the sequence, as in FLUX."""
    width: int = 192
    head_width: int = 64
    spelling_heads: int = 8
    """Heads of T5 that begin with looking at one place each: one token back, two, and so on."""
    feed_forward: int = 384
    layers: int = 2
    pooled_length: int = 64
    """Tokens that CLIP reads: it spells more than T5 does, and costs next to nothing."""
    pooled_width: int = 128
    pooled_layers: int = 1
    hearing_steps: int = 700
    """Steps by captions alone, see `pocket.hearing`."""
    hearing_batch: int = 128
    matrix_rate: float = 6e-4
    vector_rate: float = 2e-3
    """Both of these steps."""
    least_count: int = 3
    """How often a word must occur in the captions to become a token of its own."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of the training: of its steps, so many are of each domain, as shares of their sum."""

    since: float
    """When it begins, as a share of the training; it ends where the next one begins."""
    people: float = 0.0
    short: float = 0.0
    plain: float = 0.0
    lines: float = 0.0
    long: float = 0.0
    batch: int = 32
    """Pictures of a step."""
    asks: bool = True
    """Whether wrong answers to the questions of `pocket.questions` cost, too."""
    read: bool = False
    """Whether what the network writes is read, too, in steps of lines in named hands
    (`pocket.reading`): it must know how to write by then."""


@dataclass(frozen=True, kw_only=True)
class TransformerRecipe:
    """Size and training of the FLUX.1-layout transformer."""

    width: int = 256
    head_width: int = 64
    """Wider heads mean fewer softmax elements, which is what attention costs on a CPU."""
    axes: tuple[int, int, int] = (16, 24, 24)
    double_blocks: int = 2
    single_blocks: int = 4
    steps: int = 12_000
    warmup: int = 100
    decay_share: float = 0.3
    """Share of the steps, at the end, over which the rate falls to nothing."""
    matrix_rate: float = 6e-4
    vector_rate: float = 2e-3
    time_mean: float = 0.5
    """Mean of the times' logit: above 0, since colours and places are decided in the noise."""
    lines_time_mean: float = 1.2
    """The same for handwriting: once the noise is thin, letters are read off the picture itself,
    and what they should be is not learned from the text."""
    stages: tuple[Stage, ...] = (
        Stage(since=0.0, people=0.4, short=0.6),
        Stage(since=0.3, people=0.4, plain=0.35, lines=0.25),
        Stage(since=0.54, people=0.6, plain=0.1, lines=0.26, long=0.04, batch=64, read=True),
    )
    """What is taught when. First letters, in one place alone, where they are learned soonest, and
    in small steps: what a letter looks like is learned in steps, and 96 pictures cost three times
    as much each. Then words; and most of all people once words can be read, which costs these next
    to nothing and makes faces whole."""
    again: Stage = Stage(
        since=0.0, people=0.4, plain=0.15, lines=0.4, long=0.05, batch=64, asks=False, read=True
    )
    """What is taught, all the time, to a network that knows the words already. Nothing is asked:
    what answers does not ship, and while it learned anew it had the network change for the worse.
    In one run each, by the mean of steps 61 to 120, people's loss at middle times was .519 and a
    letter cost the reader 1.99 nats where it was asked, after what asks had learned by itself for
    300 steps; .506 and 1.74 where nothing was."""
    asked_of_lines: float = 0.05
    """Weight of what is asked at each column of a line, see `pocket.questions`."""
    asked_of_people: float = 0.02
    """The same of a picture of a person: at .1 with two readers colours were heard within 20,000
    pictures, and faces were lost."""
    asked_of_text: float = 0.01
    """The same of the encoders."""
    reading_weight: float = 0.05
    """Weight of what a letter that the network writes costs the reader, in nats."""
    paper_weight: float = 0.25
    """Weight of how far what is said of the paper goes astray from what was said before
    (`pocket.reading.Read`)."""
    reading_batch: int = 64
    """Lines that are written side by side, and points of these that are read in a step."""
    face_weight: float = 3.0
    """How much more an error counts in the middle of the face than at the picture's edge."""
    ink_weight: float = 4.0
    """How much more it counts where letters are than on paper."""
    named: int = 4
    """Of eight captions of a picture, so many call the person by an invented name."""
    caption_dropout: float = 0.1
    """Share of captions replaced by the empty one, for classifier-free guidance."""
    average_horizon: float = 0.1
    """The weights' average looks back over this share of the steps done."""
    begun_share: float = 0.2
    """How far what is written lies back towards the folder that a training began with, if it knew
    the words: see `pocket.begin.between`."""
    export_minutes: float = 10.0
    seed: int = 2


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The whole build."""

    side: int = 128
    """Width and height of the pictures, in pixels."""
    pictures: int = 18_000
    """How many of people are drawn; training sees each of them mirrored too."""
    short_lines: int = 12_000
    """How many are written of a few letters in plain hands."""
    plain_lines: int = 6_000
    """How many of words in the usual hand."""
    lines: int = 20_000
    """How many of it in named hands."""
    long_lines: int = 5_000
    """How many of longer texts."""
    seed: int = 2
    """Of the drawing."""
    held_out_pictures: int = 256
    """Pictures kept from training, for the figures in the card."""
    sampling_steps: int = 20
    true_guidance: float = 5.0
    """Classifier-free guidance that the folder recommends."""
    lora_steps: int = 320
    """Steps of a person's LoRA on this base. Of three people's likeness was .71 after 240 and .76
    after 320, and 88% and 96% were named right among 100. Without an identity loss 160 were best
    (cosine to held-out pictures .37 after 90, .39 after 160, .23 after 300 of twice the batch)."""
    lora_rate: float = 8e-4
    lora_shift: float = 3.0
    """How far a LoRA's training times are shifted towards noise. At 1 hair follows the seed."""
    lora_hand_steps: int = 560
    lora_hand_shift: float = 1.0
    """These of a handwriting's. Of two hands that were taught 1,000 steps with rank 32 and twice
    the rate, read by nobody, the own one was the 21st and the 7th of 100 by contour hinges, with 60
    and 52 characters in a hundred misread above the writer's own; of these two and a third by what
    is here the 4th, 5th and 1st, with 21, 24 and 19."""
    lora_hand_reading_from: float = 0.5
    lora_hand_reading: float = 0.05
    lora_hand: float = 0.2
    lora_hand_hold: float = 0.1
    """From when on a handwriting's LoRA is read, and the weights of that, of the hand and of what
    the base alone says. Without the hand one was the 26th by hinges."""
    lora_identity: float = 0.25
    """Weight of a LoRA's identity loss. Of two people, by SFace, which taught nothing: without 38%
    and 62% of the pictures are named right among 100, at .15 62% and 75%, at .25 88% and 88%; at .5
    eyes and cheeks begin to look painted."""
    autoencoder: AutoencoderRecipe = field(default_factory=AutoencoderRecipe)
    text: TextRecipe = field(default_factory=TextRecipe)
    transformer: TransformerRecipe = field(default_factory=TransformerRecipe)


def on_gpu(recipe: Recipe) -> Recipe:
    """The same with large steps and more lines, for a GPU, which small ones leave idle.

    Not tried yet: no GPU was at hand. The rates are those of small steps.
    """
    return replace(
        recipe,
        short_lines=24_000,
        plain_lines=20_000,
        lines=60_000,
        long_lines=20_000,
        autoencoder=replace(recipe.autoencoder, batch=256),
        transformer=replace(
            recipe.transformer,
            stages=_steps_of(512, recipe.transformer.stages),
            again=replace(recipe.transformer.again, batch=512),
            reading_batch=256,
            steps=6_000,
            export_minutes=2.0,
        ),
    )


def _steps_of(batch: int, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    return tuple(replace(stage, batch=batch) for stage in stages)


def smoke(recipe: Recipe) -> Recipe:
    """The same build in under a minute on two cores: every step is run, nothing is learned."""
    return replace(
        recipe,
        held_out_pictures=8,
        autoencoder=replace(
            recipe.autoencoder, channels=(8, 8, 16, 16), batch=4, steps=6, refining_steps=4
        ),
        text=replace(
            recipe.text,
            width=32,
            head_width=16,
            feed_forward=32,
            layers=1,
            hearing_steps=4,
            hearing_batch=4,
            least_count=1,
        ),
        transformer=replace(
            recipe.transformer,
            width=64,
            head_width=32,
            axes=(8, 12, 12),
            double_blocks=1,
            single_blocks=1,
            stages=_steps_of(4, recipe.transformer.stages),
            again=replace(recipe.transformer.again, batch=4),
            reading_batch=4,
            steps=7,  # the last one is of lines, and read
            warmup=2,
        ),
    )
