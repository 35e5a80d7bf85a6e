"""`/desk/` and the routes that its page calls."""

from django.urls import URLPattern, URLResolver, path

from tradeops.desk.api import desk_api
from tradeops.desk.views import desk

urlpatterns: list[URLPattern | URLResolver] = [
    path("", desk, name="desk"),
    path("api/", desk_api.urls),
]
