"""Where uploaded pictures go."""

import uuid
from pathlib import PurePath

from django.db import models


def picture_path(owner: models.Model, filename: str) -> str:
    """A name that nobody guesses: the picture of a draft is not for readers yet."""
    return f"articles/{uuid.uuid4().hex}{PurePath(filename).suffix}"
