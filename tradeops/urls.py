"""Admin, API, health and the desk."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from tradeops.admin_site import site
from tradeops.api import api
from tradeops.healthz import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="desk")),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}desk/icon.svg")),
    path("desk/", include("tradeops.desk.urls")),
    path("healthz", healthz, name="healthz"),
    path("api/", api.urls),
    path("admin/", site.urls),
]
