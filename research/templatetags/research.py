"""Citations and their parts in templates."""

from django import template

from research.citing import reference_html, source_html, status_html

register = template.Library()

register.filter("reference", reference_html)
register.filter("source", source_html)
register.filter("status_word", status_html)
