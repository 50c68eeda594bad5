from django.urls import path

from articles import feeds, views

app_name = "articles"
urlpatterns = [
    path("", views.home, name="home"),
    path("articles/", views.archive, name="archive"),
    path("articles/<slug:slug>/", views.article, name="article"),
    path("tags/", views.topics, name="topics"),
    path("tags/<str:slug>/", views.tag, name="tag"),
    path("authors/<slug:slug>/", views.author, name="author"),
    path("feed/", feeds.LatestArticles(), name="feed"),
]
