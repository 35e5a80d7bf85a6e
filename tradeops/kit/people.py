"""Who did it, by the name that people know: the journal keeps `user:2`."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from unfold.views import ChangeList

PREFIX = "user:"


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Each actor's name: operators by their user name, anybody else as they are written."""
    all_actors = set(actors)
    numbers = {a.removeprefix(PREFIX) for a in all_actors if a.startswith(PREFIX)}
    found = get_user_model().objects.filter(pk__in=[n for n in numbers if n.isdecimal()])
    people = {f"{PREFIX}{user.pk}": user.get_username() for user in found}
    return {actor: people.get(actor, actor) for actor in all_actors}


class NamedChangeList(ChangeList):
    """A page of rows, with the names that their admin attaches, read at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.model_admin.attach_names(list(self.result_list))


class ShowsWho:
    """For an admin page with the column `who`, of what the row keeps in `actor_field`."""

    actor_field = "actor"

    def attach_names(self, rows: Sequence[Any]) -> None:
        """Give each row its `actor_name`."""
        names = names_of(getattr(row, self.actor_field) for row in rows)
        for row in rows:
            row.actor_name = names[getattr(row, self.actor_field)]

    def get_changelist(self, _request: HttpRequest, **_kwargs: object) -> type[ChangeList]:
        """Django's hook."""
        return NamedChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Django's hook."""
        row = super().get_object(request, object_id, from_field)  # type: ignore[misc]  # a mixin
        if row is not None:
            self.attach_names([row])
        return row

    @admin.display(description="Who")
    def who(self, row: Any) -> str:
        """The column."""
        return str(row.actor_name)
