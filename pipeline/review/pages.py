"""Pages: the templates with what all of them need."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from pipeline.review.templating import templates
from pipeline.review.visitors import Visitor, desk_of, keep, language_of


def page(request: Request, asking: Visitor, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page in the visitor's language and colours, with the token that its forms and scripts carry."""
    shared = {
        "lang": language_of(request),
        "csrf": asking.csrf,
        "me": asking.person and {"name": asking.person.name, "role": asking.person.role},
        "accounts": desk_of(request).open_to is None,
        "here": request.url.path,
    }
    response = HTMLResponse(templates().get_template(template).render(shared | values), status)
    if asking.fresh:
        keep(request, response, asking.session)
    return response
