"""What stands on a picture of the panel, and where: read by tesseract, as a person would read it.

Nothing inside the room is asked, so the same works on the image as it is shipped.
"""

import csv
import io
import re
import subprocess

# The code's letters: Crockford's, where O is read as 0 and I and L as 1.
CODE = re.compile(r"\b([0-9A-Z]{4})\s?[-–—]\s?([0-9A-Z]{4})\b")


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

    @property
    def code(self):
        """The activation code on it, or nothing."""
        found = CODE.search(self.text)
        if not found:
            return None
        letters = (found[1] + found[2]).translate(str.maketrans("OIL", "011"))
        return f"{letters[:4]}-{letters[4:]}"


def read(path):
    """Reads a picture."""
    printed = subprocess.run(
        ["tesseract", path, "stdout", "--psm", "11", "tsv"],
        check=True, capture_output=True, text=True,
    ).stdout
    words = []
    for row in csv.DictReader(io.StringIO(printed), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["text"] and row["text"].strip() and float(row["conf"]) > 30:
            box = tuple(int(row[name]) for name in ("left", "top", "width", "height"))
            words.append((row["text"].strip(), box))
    return Screen(path, words)
