"""What a handler answers when it says no, in GitHub's own shapes."""

from __future__ import annotations

from typing import Any

from tests.servers.github_recorder import Answer

DOCUMENTATION = "https://docs.github.com/rest"


class Refusal(Exception):
    """Raised by a handler; `answer` goes out."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        body: dict[str, Any] = {"message": message, "documentation_url": DOCUMENTATION}
        self.answer = Answer(status, body if errors is None else {**body, "errors": errors})
        super().__init__(message)


def not_found() -> Refusal:
    """404: what is not there, or what the caller may not see."""
    return Refusal(404, "Not Found")


def forbidden() -> Refusal:
    """403 for a token that lacks a grant."""
    return Refusal(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> Refusal:
    """422 with one error: `code` is missing_field, invalid, already_exists, custom, ..."""
    error = {"resource": resource, "field": field, "code": code}
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", [error])


def unprocessable(message: str) -> Refusal:
    """422 with a list of plain words, as reviews give it."""
    return Refusal(422, "Unprocessable Entity", [message])
