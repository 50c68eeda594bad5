"""Addresses of the demo's mailbox. A letter is named by the 19 digits of its file, nothing else."""

from django.urls import path, re_path

from fibrosite.demo import mailbox

app_name = "demo"
urlpatterns = [
    path("", mailbox.mailbox, name="mailbox"),
    re_path(r"^(?P<letter_id>[0-9]{19})/\Z", mailbox.message, name="message"),
    re_path(r"^(?P<letter_id>[0-9]{19})\.html\Z", mailbox.message_html, name="message_html"),
    re_path(r"^(?P<letter_id>[0-9]{19})\.eml\Z", mailbox.raw, name="raw"),
]
