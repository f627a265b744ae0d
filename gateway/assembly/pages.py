"""The pages, for people."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import __version__
from gateway.assembly.fleet import Fleet
from gateway.assembly.ground import Ground
from gateway.assembly.platform import Platform
from web.home import HomePages
from web.keys import KeyPages
from web.mistakes import ErrorPages
from web.pages import PageTable, Renderer
from web.pairing import PairingPages
from web.sessions import SessionPages
from web.sign_in import SignInPages
from web.site import Site
from web.statics import Statics
from web.visitor import Visitors


@dataclass(frozen=True, kw_only=True)
class Pages:
    """The site, and what it shows when something goes wrong."""

    site: Site
    mistakes: ErrorPages


def build_pages(ground: Ground, platform: Platform, fleet: Fleet) -> Pages:
    """Build them on the services themselves, in the same process."""
    statics = Statics()
    renderer = Renderer(statics=statics, version=__version__)
    visitors = Visitors(doorkeeper=platform.doorkeeper)
    public_url = ground.config.http.public_url or None
    tables: list[PageTable] = [
        HomePages(renderer=renderer, visitors=visitors, public_url=public_url, sandbox=ground.loopback is not None),
        SignInPages(
            accounts=platform.accounts,
            cookie=platform.cookie,
            renderer=renderer,
            visitors=visitors,
            address_of=platform.doorkeeper.address_of,
        ),
        SessionPages(
            database=ground.database,
            sessions=fleet.sessions,
            links=fleet.links,
            lifecycle=fleet.lifecycle,
            engine=fleet.engine,
            events=platform.events,
            renderer=renderer,
            visitors=visitors,
            public_url=public_url,
            link_seconds=int(ground.config.pairing.link_hours * 3600),
        ),
        KeyPages(database=ground.database, access=platform.access, renderer=renderer, visitors=visitors),
        _pairing_pages(ground, platform, fleet, renderer, visitors),
    ]
    return Pages(site=Site(statics=statics, tables=tables), mistakes=ErrorPages(renderer=renderer))


def _pairing_pages(
    ground: Ground, platform: Platform, fleet: Fleet, renderer: Renderer, visitors: Visitors
) -> PairingPages:
    return PairingPages(
        database=ground.database,
        links=fleet.links,
        desk=fleet.desk,
        artist=fleet.artist,
        renderer=renderer,
        visitors=visitors,
        streams=platform.streams,
        clock=ground.clock,
        show_code_text=ground.loopback is not None,
    )
