"""
Answers that are the same for every client: made once, at the start.

Each has its entity tag and its packed forms beforehand, so answering is looking up; and
who has it already is told so (304) and sent nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from calligram.web.codings import BYTES_MIN, CODINGS, chosen
from calligram.web.conditional import coded, etag_of, is_known
from calligram.web.messages import Answer, Headers, Request

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_FILES = {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
}
# Only what the page itself is made of. blob: is the picture that the user chose, shown to him.
PAGE_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
STYLED_POLICY = b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Static:
    """A body that never changes while the server runs, and the headers that go with it."""

    body: bytes = field(repr=False)
    media_type: str
    cache_control: str = "no-cache"
    policy: bytes | None = None
    answers: dict[str, tuple[str, Headers, bytes]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        etag = etag_of(self.media_type, self.body)
        self.add("identity", etag, self.body)
        if len(self.body) >= BYTES_MIN:
            for coding in CODINGS.values():
                packed = coding.thoroughly(self.body)
                self.add(coding.name, coded(etag, coding.name), packed)

    def add(self, coding: str, etag: str, body: bytes) -> None:
        headers: Headers = (
            (b"content-type", self.media_type.encode()),
            (b"cache-control", self.cache_control.encode()),
            (b"etag", etag.encode()),
            (b"vary", b"Accept, Accept-Encoding"),
        )
        if coding != "identity":
            headers += ((b"content-encoding", coding.encode()),)
        if self.policy is not None:
            headers += ((b"content-security-policy", self.policy),)
        self.answers[coding] = (etag, headers, body)

    async def __call__(self, request: Request) -> Answer:
        """The answer to a GET."""
        coding = chosen(request.header(b"accept-encoding"))
        name = "identity" if coding is None or coding.name not in self.answers else coding.name
        etag, headers, body = self.answers[name]
        if is_known(request.header(b"if-none-match"), etag):
            # All headers that a 200 would have and a cache needs; the type isn't one.
            return Answer(304, headers[1:4])
        return Answer(200, headers, body)


def page_files() -> dict[str, Static]:
    """The page's files by name."""
    return {
        name: Static((PAGE_FOLDER / name).read_bytes(), media_type, policy=PAGE_POLICY)
        for name, media_type in PAGE_FILES.items()
        if (PAGE_FOLDER / name).is_file()
    }
