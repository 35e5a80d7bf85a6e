"""Admin, API, health and the desk."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from tradeops.api import api
from tradeops.healthz import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("api/", api.urls),
    path("admin/", admin.site.urls),
]
