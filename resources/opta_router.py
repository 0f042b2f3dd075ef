"""Our hooks in LiteLLM's own extension points: authentication, and each request's way. LiteLLM is not patched.

LiteLLM loads this file from the folder of its config.yaml, once each for `general_settings.custom_auth:
opta_router.custom_auth` and `litellm_settings.callbacks: opta_router.callback`, without entering it in sys.modules: singletons
live in the modules that it imports (opta_litellm.py puts their folder on the module path).
Measured on LiteLLM 1.106.2: without custom_auth and a database, a missing key gets HTTP 500 and a wrong one 400
"No connected db."; Claude Code retries the 500 ten times.

Environment:
    OPTA_CLIENT_KEYS      path of a JSON file `{"keys": [{"name": "user-1", "key": "sk-..."}]}`, mode 0600
    OPTA_MASTER_KEY       the key of the program that supervises this proxy; may use every route
    OPTA_ENGINE_KEY       llama-server's
    OPTA_ROUTER_SETTINGS  path of the profile's switches (opta_settings.py)

No key, given or expected, ever appears in a log line or in an error text.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

from opta_access import AccessRefusedError, judge
from opta_settings import read_settings
from opta_traffic import Traffic, asking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fastapi import Request


async def custom_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    """LiteLLM's `custom_auth` extension point: the caller, or an error that the client understands."""
    asking.set(request)
    try:
        caller = judge(request.headers, request.scope["path"], api_key or "")
    except AccessRefusedError as error:
        # LiteLLM puts every authentication failure into `{"error": {...}}` without Anthropic's outer `"type": "error"`;
        # clients go by the status and `error.type`.
        raise ProxyException(
            message=error.message, type=error.kind, param=None, code=error.status, headers=error.headers or None
        ) from None
    role = LitellmUserRoles.PROXY_ADMIN if caller.is_master else LitellmUserRoles.INTERNAL_USER
    return UserAPIKeyAuth(user_id=caller.name, user_role=role)


class RouterCallback(CustomLogger):
    """LiteLLM's `callbacks` extension point: every request on its way to the model and back."""

    def __init__(self) -> None:
        super().__init__()
        self._traffic: Final = Traffic(read_settings())
        # LiteLLM reads its configuration in the event loop, before it listens.
        self._traffic.open_feed()
        self._traffic.close_at_end()

    async def async_pre_call_hook(
        self,
        user_api_key_dict: UserAPIKeyAuth,
        cache: object,  # noqa: ARG002  # LiteLLM names the arguments
        data: dict[str, Any],
        call_type: str,
    ) -> dict[str, Any]:
        """Before routing. The returned body goes on; a ProxyException becomes the answer."""
        return await self._traffic.admit(user_api_key_dict.user_id or "", data, call_type)

    async def async_filter_deployments(
        self,
        model: str,  # noqa: ARG002  # LiteLLM names the arguments
        healthy_deployments: list[Any],
        messages: object,  # noqa: ARG002
        request_kwargs: dict[str, Any] | None = None,  # noqa: ARG002
        parent_otel_span: object = None,  # noqa: ARG002
    ) -> list[Any]:
        """Before LiteLLM's routing strategy picks one of these; also before each retry."""
        return self._traffic.open_nodes(healthy_deployments)

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: object) -> None:  # noqa: ARG002
        """After LiteLLM picked a deployment. Changes to `kwargs` are sent."""
        self._traffic.sent(kwargs)

    async def async_log_failure_event(
        self,
        kwargs: dict[str, Any],
        response_obj: object,  # noqa: ARG002  # LiteLLM names the arguments
        start_time: object,  # noqa: ARG002
        end_time: object,  # noqa: ARG002
    ) -> None:
        """One deployment failed. Only this hook says which and why, on every route and before each retry (measured)."""
        self._traffic.node_failed(kwargs)

    async def async_post_call_success_hook(
        self, data: dict[str, Any], user_api_key_dict: UserAPIKeyAuth, response: object  # noqa: ARG002
    ) -> None:
        """A whole answer."""
        self._traffic.answered(response)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: UserAPIKeyAuth, response: Any, request_data: dict[str, Any]  # noqa: ARG002
    ) -> AsyncGenerator[object, None]:
        """A streamed answer."""
        async for chunk in self._traffic.observe(response):
            yield chunk

    async def async_post_call_failure_hook(
        self,
        request_data: dict[str, Any],  # noqa: ARG002
        original_exception: Exception,
        user_api_key_dict: UserAPIKeyAuth,  # noqa: ARG002
        traceback_str: str | None = None,  # noqa: ARG002
    ) -> None:
        """The request failed."""
        self._traffic.failed(original_exception)


@cache
def _callback() -> RouterCallback:
    return RouterCallback()


def __getattr__(name: str) -> object:
    """Create `callback` on demand: LiteLLM also loads this file for custom_auth alone."""
    if name == "callback":
        return _callback()
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
