"""Let the classes that are generic for the type checker be subscripted while the program runs.

`DecimalField[Any, Any]` and `ModelAdmin[Order]` are what django-stubs asks for; Django's own
classes do not know the brackets. They return the class itself.
"""

from django.contrib.admin.options import BaseModelAdmin
from django.core.paginator import Paginator
from django.db.models import Field, Func, Lookup
from django.forms.models import BaseModelForm, BaseModelFormSet, ModelChoiceField

for _generic in (
    BaseModelAdmin,
    BaseModelForm,
    BaseModelFormSet,
    Field,
    Func,
    Lookup,
    ModelChoiceField,
    Paginator,
):
    if not hasattr(_generic, "__class_getitem__"):
        setattr(_generic, "__class_getitem__", classmethod(lambda cls, _types: cls))  # noqa: B010
