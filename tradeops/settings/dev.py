"""`make run` on one machine: plain HTTP on loopback, static files straight from the sources."""

from __future__ import annotations

from tradeops.settings.base import *
