"""What stands on a picture of the panel, and where: read by tesseract, as a person would read it.

Nothing inside the room is asked, so the same works on the image as it is shipped.
"""

import csv
import io
import itertools
import os
import re
import subprocess

from PIL import Image, ImageOps

# The code's letters: Crockford's, where O is read as 0 and I and L as 1.
CODE = re.compile(r"\b([0-9A-Z]{4})\s?[-–—]\s?([0-9A-Z]{4})\b")

# The code's letters, 92 pixels high, are read smaller: of as many pixels tesseract takes a 5 for an S. Now and then it
# reads one letter as two at one size, and as one at another.
SCALES, MARGIN = (0.36, 0.3, 0.6, 0.45), 33
# Letters that tesseract takes for one another when they are bold.
LOOKS_LIKE = dict(zip("5S8B2Z6G90", "S5B8Z2G609"))
# How sure tesseract has to be of a word, of 100: it takes icons for words, and doubts its own Francais.
SURE = 20


class Screen:
    """The words of one picture."""

    def __init__(self, path, words):
        self.path = path
        self.words = words

    @property
    def text(self):
        return " ".join(word for word, _ in self.words)

    def __contains__(self, text):
        return text in self.text

    def place_of(self, text):
        """The middle of a word, in pixels, or nothing."""
        for word, (left, top, width, height) in self.words:
            if word == text:
                return left + width // 2, top + height // 2
        return None

    def says_beside(self, word, text):
        """Whether this text stands right of that word, in larger letters. Spaces do not count."""
        for each, (left, top, width, height) in self.words:
            if each == word:
                box = (left + width, top + height // 2 - 40, 1280, top + height // 2 + 40)
                return any(text in read_small(self.path, box, scale).replace(" ", "") for scale in SCALES)
        return False

    @property
    def code(self):
        """The activation code on it, or nothing. A letter of it may be taken for another: `alike`."""
        for word, (left, top, width, height) in self.words:
            if word.lower() == "organisation":
                # It stands under the heading, in letters so high that they are not always found on the whole picture.
                low = top + height
                box = (0, low + 20, 1280, low + 180)
                found = next(filter(None, (CODE.search(read_small(self.path, box, scale)) for scale in SCALES)), None)
                break
        else:
            return None
        if not found:
            return None
        letters = (found[1] + found[2]).translate(str.maketrans("OIL", "011"))
        return f"{letters[:4]}-{letters[4:]}"


def alike(code):
    """What a code may be that was read so, the most likely first: bold letters are taken for one another."""
    letters = [letter + LOOKS_LIKE.get(letter, "") for letter in code]
    every = ["".join(each) for each in itertools.product(*letters)]
    return sorted(every, key=lambda each: sum(a != b for a, b in zip(each, code)))


def read_small(path, box, scale):
    """The text in this box, read from a smaller picture of it."""
    picture = Image.open(path).convert("L").crop(box)
    size = [int(side * scale) for side in picture.size]
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    # Tesseract wants some background around letters, and none of what stands above and below them.
    picture = ImageOps.expand(picture, MARGIN, fill=picture.getpixel((0, 0)))
    small = f"{path}.small.png"
    picture.save(small)
    return tesseract(small, "--psm", "7").strip()


def tesseract(path, *words):
    """What it prints of a picture."""
    command = ["tesseract", path, "stdout", *words]
    # More threads make it hardly sooner, and take twice the processor.
    alone = dict(os.environ, OMP_THREAD_LIMIT="1")
    return subprocess.run(command, check=True, capture_output=True, text=True, env=alone).stdout


def read(path):
    """Reads a picture."""
    printed = tesseract(path, "--psm", "11", "tsv")
    words = []
    for row in csv.DictReader(io.StringIO(printed), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["text"] and row["text"].strip() and float(row["conf"]) > SURE:
            box = tuple(int(row[name]) for name in ("left", "top", "width", "height"))
            words.append((row["text"].strip(), box))
    return Screen(path, words)
