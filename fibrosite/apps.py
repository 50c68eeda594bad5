"""App configurations of the wiring: system checks, roles, and our admin site."""

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class FibrositeConfig(AppConfig):
    """Registers the deploy checks, and keeps the roles after each migration."""

    name = "fibrosite"

    def ready(self) -> None:
        # The Celery application must exist before a task is called.
        from fibrosite import celery, checks, roles  # noqa: F401, PLC0415

        post_migrate.connect(roles.keep, sender=apps.get_app_config("auth"))


class AdminConfig(admin_apps.AdminConfig):
    """The stock admin with the site's name on it."""

    default_site = "fibrosite.admin.FibrositeAdminSite"
