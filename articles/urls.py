from django.urls import path, re_path
from django.views.decorators.http import require_safe

from articles import feeds, views

app_name = "articles"
urlpatterns = [
    path("", views.home, name="home"),
    path("articles/", views.archive, name="archive"),
    path("articles/<slug:slug>/", views.article, name="article"),
    re_path(
        r"^articles/(?P<slug>[-\w]+)/references\.(?P<form>ris|bib|json)\Z",
        views.article_references,
        name="article_references",
    ),
    path("series/<slug:slug>/", views.series, name="series"),
    path("pages/", views.pages, name="pages"),
    path("pages/<slug:slug>/", views.page, name="page"),
    re_path(
        r"^pages/(?P<slug>[-\w]+)/references\.(?P<form>ris|bib|json)\Z",
        views.page_references,
        name="page_references",
    ),
    path("glossary/", views.glossary, name="glossary"),
    path("tags/", views.topics, name="topics"),
    # Letters of any alphabet, and nothing that a database refuses.
    re_path(r"^tags/(?P<slug>[-\w]+)/\Z", views.tag, name="tag"),
    path("authors/<slug:slug>/", views.author, name="author"),
    path("feed/", require_safe(feeds.LatestArticles()), name="feed"),
]
