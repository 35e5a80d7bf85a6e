"""`make run` on one machine: plain HTTP on loopback, static files straight from the sources."""

import sys

from tradeops.settings.base import *

# Daphne's runserver, for whoever works on the pages. Nothing else needs the app, and it costs
# every process 30 MB and a second.
if sys.argv[1:2] == ["runserver"]:
    INSTALLED_APPS.insert(INSTALLED_APPS.index("django.contrib.staticfiles"), "daphne")
