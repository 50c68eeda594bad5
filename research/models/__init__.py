"""What is recorded of research: studies, the conditions they are about, notices about them."""

from research.models.citable import Publication
from research.models.condition import Condition
from research.models.notice import Notice
from research.models.study import Study, StudyQuerySet

__all__ = ["Condition", "Notice", "Publication", "Study", "StudyQuerySet"]
