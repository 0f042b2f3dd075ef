"""The Router's prompt cache: the interface that opta_traffic.py uses, over conversations, slots and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opta_conversations import Asked, Conversations, fingerprint_of
from opta_ending import at_the_end
from opta_engine_record import EngineRecordFile
from opta_fields import pass_on
from opta_parked_files import Limits, ParkedFiles
from opta_parking import Parking, Result
from opta_slot_actions import SlotActions
from opta_slots import SlotTable, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from opta_requests import LiveRequest
    from opta_settings import Settings

# A token's minimum length in bytes of text, to estimate what a slot of a fixed share will hold: only an order of magnitude.
BYTES_PER_TOKEN: Final = 3
FAILED_IN_ENGINE: Final = 500


class PromptCache:
    """Maps requests to conversations and slots, and keeps both up to date."""

    def __init__(self, settings: Settings, actions: SlotActions) -> None:
        slots = settings.slots if settings.node_slots is None else settings.node_slots.get("", 0)
        self._conversations: Final = Conversations()
        self._table: Final = SlotTable(slots, settings.pool_tokens)
        files = (
            None
            if settings.parked_dir is None
            else ParkedFiles(
                settings.parked_dir,
                Limits(settings.parked_most_bytes, settings.parked_most_age_seconds),
                lambda kind, text: self.parking.say(kind, text),
            )
        )
        self.parking: Final = Parking(
            self._table,
            self._conversations,
            actions,
            EngineRecordFile(settings.engine_record_path),
            files,
            settings.slots_path,
        )
        self.parking.open()
        at_the_end(self.parking.park_at_end)
        self._asked: Final[dict[object, Asked]] = {}

    @staticmethod
    def of(settings: Settings) -> PromptCache | None:
        """None if llama-server picks the slots itself."""
        if not (settings.admission and settings.pin_conversations) or settings.engine_url is None:
            return None
        return PromptCache(settings, SlotActions(settings.engine_url))

    def on_change(self, tell: Callable[[], None]) -> None:
        """Call `tell` after each event."""
        self.parking.on_change = tell

    def ask(self, request: LiveRequest, headers: Mapping[str, str], body: Mapping[str, Any]) -> None:
        """Find the conversation that this request continues."""
        self.parking.look_at_engine()
        asked = self._conversations.ask(request.developer, headers, body, self._table.is_at_work)
        self._asked[request] = asked
        if asked.conversation is not None:
            self._table.claim(request, asked.conversation)
            request.conversation = asked.conversation.short_id

    def ask_own(self, request: LiveRequest, body: Mapping[str, Any]) -> None:
        """Register our own message, of which nothing is kept."""
        self._asked[request] = Asked(request.developer, fingerprint_of(body), None)

    def wish(self, request: LiveRequest, tokens: int, node: str = "") -> Wish | None:
        """What to ask the admission for: `tokens` of the pool, 0 without one; None: no slot of this Studio. A conversation that
        no Studio holds begins on `node`.
        """
        asked, home = self._asked.get(request), self.node_of(request)
        if asked is None or (node if home is None else home):
            return None
        return Wish(asked, tokens or request.prompt_tokens or asked.fingerprint.text_bytes // BYTES_PER_TOKEN)

    def node_of(self, request: LiveRequest) -> str | None:
        """The Studio that holds the request's conversation: "" is this one; None: unknown or none."""
        asked = self._asked.get(request)
        if self.parking.lease_of(request) is not None:
            return ""
        return None if asked is None or asked.conversation is None else asked.conversation.node

    def sent_to(self, request: LiveRequest, node: str) -> None:
        """LiteLLM has picked this Studio."""
        asked = self._asked.get(request)
        if asked is not None and asked.conversation is not None:
            asked.conversation.node = node

    async def pin(self, request: LiveRequest, body: dict[str, Any]) -> None:
        """Put the slot's number into the body, once the slot is ready."""
        slot = await self.parking.make_ready(request)
        if slot is None:
            return
        request.slot = slot
        pass_on(body, "id_slot", slot)

    def began(self, request: LiveRequest) -> None:
        """The first token arrived."""
        self.parking.began(request)

    def ended(self, request: LiveRequest, leave: Callable[[], None]) -> None:
        """The request is over, or its client left. Calls `leave` once all work on its slot is done."""
        self._table.unclaim(request)
        self._asked.pop(request, None)
        lease = self.parking.lease_of(request)
        if lease is None:
            leave()
            return
        prompt = request.prompt_tokens if request.read_tokens is None else request.read_tokens + (request.cached_tokens or 0)
        answered = request.outcome == "answered"
        self.parking.told(
            request,
            Result(
                prompt if answered else None,
                request.cached_tokens if answered else None,
                request.output_tokens if answered else None,
                is_broken=(request.failed_status or 0) >= FAILED_IN_ENGINE,
            ),
        )
        if lease.work is None or lease.work.done():
            leave()
        else:
            lease.work.add_done_callback(lambda _: leave())

    def note_busy(self, slots: Collection[int]) -> None:
        """llama-server says that these are busy."""
        self._table.note_busy(slots)

    def describe(self) -> dict[str, Any]:
        """State for the feed."""
        return {
            "slots": [
                {
                    "id": slot.id,
                    "developer": None if slot.holds is None else slot.holds.developer,
                    "conversation": None if slot.holds is None else slot.holds.short_id,
                    "named": slot.holds is not None and slot.holds.named,
                    "heldTokens": slot.tokens if slot.holds is not None else None,
                    "isSaved": slot.is_saved,
                }
                for slot in self._table.slots
            ],
            "cacheEvents": [event._asdict() for event in self.parking.events],
            "parked": self.parking.describe(),
        }
