from django.urls import path, re_path
from django.views.decorators.http import require_safe

from articles import feeds, views

app_name = "articles"
urlpatterns = [
    path("", views.home, name="home"),
    path("articles/", views.archive, name="archive"),
    path("articles/<slug:slug>/", views.article, name="article"),
    path("tags/", views.topics, name="topics"),
    # Letters of any alphabet, and nothing that a database refuses.
    re_path(r"^tags/(?P<slug>[-\w]+)/\Z", views.tag, name="tag"),
    path("authors/<slug:slug>/", views.author, name="author"),
    path("feed/", require_safe(feeds.LatestArticles()), name="feed"),
]
