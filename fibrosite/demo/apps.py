from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "fibrosite.demo"
    label = "demo"
