"""
From a picture to its art: the one story of the engine.

    bytes -> header, limits -> grid -> image, no more than needed -> algorithm -> art

The steps before `image` read only what the picture declares, so a refusal costs next to
nothing; a caller may open a picture in one process and draw it in another.
"""

from __future__ import annotations

from PIL import Image

from calligram.art.algorithms import ALGORITHMS
from calligram.art.decode import Picture, decode, prepared
from calligram.art.grid import Grid
from calligram.art.model import Art
from calligram.art.options import Options


def draw(picture: Picture, options: Options) -> Art:
    """
    The art of an opened picture.

    Raises PictureRefused where its pixels can't be unpacked, and OptionsRefused where the
    options don't fit its shape.
    """
    algorithm = ALGORITHMS[options.algorithm]
    grid = Grid.of(picture.width, picture.height, options)
    least = None
    if algorithm.detail is not None:
        least = (grid.columns * algorithm.detail[0], grid.rows * algorithm.detail[1])
    image = decode(
        picture, background=options.background, grey=algorithm.grey(options), least=least
    )
    return algorithm.draw(image, grid, options)


def draw_image(image: Image.Image, options: Options) -> Art:
    """The art of an image that a program has already unpacked; raises as `draw` does."""
    algorithm = ALGORITHMS[options.algorithm]
    image = prepared(image, background=options.background, grey=algorithm.grey(options))
    grid = Grid.of(image.width, image.height, options)
    return algorithm.draw(image, grid, options)
