"""Filters that several admin lists share."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter


class SymbolFilter(DropdownFilter):
    """The symbols of this desk; listing those of the rows would read all of them."""

    title = "symbol"
    parameter_name = "symbol"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        return [(symbol, symbol) for symbol in settings.ALLOWED_SYMBOLS]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        symbol = (self.value() or "").replace("\0", "")  # PostgreSQL takes no NUL
        return queryset.filter(symbol=symbol) if symbol else queryset


class AccountFilter(DropdownFilter):
    """The accounts that the user operates, by name."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        related = model_admin.model._meta.get_field("account").related_model
        rows = related._default_manager.all()
        if not request.user.is_superuser:
            rows = rows.filter(operators=request.user.pk)
        return [(str(row.pk), str(row)) for row in rows.order_by("name")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(account_id=int(value[:18])) if value.isdecimal() else queryset
