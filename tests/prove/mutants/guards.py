"""What keeps attackers out, taken away on purpose, one guard at a time, each with the tests that must notice."""

from typing import Final

from tests.prove.mutants.catalogue import Mutant, tests

TOKENS: Final = tests("tests/agents/auth/test_tokens.py")
SESSIONS: Final = tests("tests/agents/auth/test_accounts.py")
ROLES: Final = tests("tests/api/test_security.py", "tests/api/test_auth_guards.py")
SPLIT: Final = tests("tests/api/test_split.py")
RATES: Final = tests("tests/api/test_rates.py")
REQUESTS: Final = tests("tests/api/test_requests.py")

GUARDS: Final = (
    # --- tokens ---
    Mutant(
        "the signature of a token is not proven",
        "agents/auth/tokens.py",
        '"verify_exp": False, "verify_iat": False}',
        '"verify_exp": False, "verify_iat": False, "verify_signature": False}',
        tests("tests/agents/auth/test_tokens.py", "-k", "signed_by_somebody_else"),
    ),
    Mutant(
        "a token for somebody else counts (aud)",
        "agents/auth/tokens.py",
        '"verify_exp": False, "verify_iat": False}',
        '"verify_exp": False, "verify_iat": False, "verify_aud": False}',
        TOKENS,
    ),
    Mutant(
        "a token of somebody else counts (iss)",
        "agents/auth/tokens.py",
        '"verify_exp": False, "verify_iat": False}',
        '"verify_exp": False, "verify_iat": False, "verify_iss": False}',
        TOKENS,
    ),
    Mutant(
        "a token of another type counts (typ)",
        "agents/auth/tokens.py",
        ' or header.get("typ") != type',
        "",
        TOKENS,
    ),
    Mutant(
        "an access token counts for ever",
        "agents/auth/callers.py",
        "if said.expires <= self._now() or await",
        "if await",
        TOKENS,
    ),
    Mutant(
        "a token counts on when its session has ended",
        "agents/auth/callers.py",
        " or await self._ended.includes(said.caller.session_id)",
        "",
        SESSIONS,
    ),
    Mutant(
        "a token that was proven once counts without its key",
        "agents/auth/callers.py",
        "            await self._proving(said.key_id)\n",
        "            pass\n",
        TOKENS,
    ),
    Mutant(
        "keys that have leaked are only retired",
        "agents/auth/keys.py",
        "if leaked else",
        "if False else",
        TOKENS,
    ),
    # --- sessions ---
    Mutant(
        "a replayed refresh token leaves its family alive",
        "agents/auth/accounts.py",
        "                await self._suspect(db, token, ip, correlation_id)\n",
        "",
        SESSIONS,
    ),
    Mutant(
        "of twenty parallel refreshes all win",
        "agents/auth/sessions.py",
        "            RefreshToken.spent_at.is_(None),\n",
        "",
        SESSIONS,
    ),
    Mutant(
        "a session is refreshed for ever",
        "agents/auth/sessions.py",
        "Session.revoked_at.is_(None), Session.expires_at > now)\n",
        "Session.revoked_at.is_(None))\n",
        SESSIONS,
    ),
    Mutant(
        "an unknown address is told by how soon the answer comes",
        "agents/auth/passwords.py",
        "            await self.hash(password)\n",
        "",
        SESSIONS,
    ),
    Mutant(
        "passwords can be guessed for as long as one likes",
        "api/endpoints/auth.py",
        "    await guesses.count(request, body.email)\n",
        "",
        tests("tests/api/test_auth.py"),
    ),
    # --- who may do what ---
    Mutant(
        "roles do not matter",
        "api/caller.py",
        "    if scope not in caller.scopes:\n",
        "    if False:\n",
        ROLES,
    ),
    Mutant(
        "another user's order is shown",
        "api/order_access.py",
        "or not (may(caller, scope) or (caller and caller.user_id == order.user_id))",
        "or False",
        ROLES,
    ),
    Mutant(
        "another user's things are listed",
        "api/caller.py",
        "    if wanted is not None and wanted != caller.user_id:\n",
        "    if wanted is not None:\n        return wanted\n    if False:\n",
        ROLES,
    ),
    Mutant(
        "roles can be given to oneself at the registration",
        "api/endpoints/auth.py",
        "body.profile_record(), [Role.CUSTOMER])",
        "body.profile_record(), (body.model_extra or {}).get('roles', [Role.ADMIN]))",
        ROLES,
    ),
    Mutant(
        "who watches goes on when the token has ended",
        "api/socket_guard.py",
        "        if not self._edge.auth_required:\n            return None\n",
        "        return None\n",
        tests("tests/api/test_live.py", "tests/api/test_changes.py"),
    ),
    Mutant(
        "what users were told can be read by all",
        "api/endpoints/outbox.py",
        ', dependencies=[guarded("notifications:read:any")]',
        "",
        tests("tests/api/test_outbox.py"),
    ),
    Mutant(
        "payment tokens are shown in tables",
        "api/hiding.py",
        "HIDDEN if is_hidden(name) else _without_secrets(inner)",
        "_without_secrets(inner)",
        tests("tests/api/test_tables.py"),
    ),
    # --- a split edge ---
    Mutant(
        "a part serves who has gone past the gateway",
        "api/middleware/service_guard.py",
        'or not scope["path"].startswith(GUARDED):',
        'or scope["path"]:',
        SPLIT,
    ),
    Mutant(
        "a service token is good for every part",
        "agents/auth/service_tokens.py",
        '"verify_exp": False, "verify_iat": False}',
        '"verify_exp": False, "verify_iat": False, "verify_aud": False}',
        SPLIT,
    ),
    Mutant(
        "a service token is given without the secret",
        "agents/auth/accounts.py",
        "        check_secret(secret, self._service_secrets)\n",
        "",
        SPLIT,
    ),
    Mutant(
        "a client makes its own service token",
        "api/forwarding.py",
        ", SERVICE_TOKEN.encode()),\n",
        "),\n",
        SPLIT,
    ),
    # --- too much, too slow, from too many places ---
    Mutant(
        "a path means another one behind the gateway",
        "api/middleware/proxying.py",
        '        if "/." in path and not _DOTS.isdisjoint(path.split("/")):\n',
        "        if False:\n",
        SPLIT,
    ),
    Mutant(
        "X-Forwarded-For of strangers is believed",
        "api/addresses.py",
        "        if not _is_trusted(client, trusted):\n            break\n",
        "",
        RATES,
    ),
    Mutant(
        "the 101st request is served",
        "api/moving_window.py",
        "        if len(admitted) >= most:\n",
        "        if len(admitted) > most:\n",
        RATES,
    ),
    Mutant(
        "an IPv6 customer is as many as they have addresses",
        "api/addresses.py",
        "if ip.version == 4 else str(ip_network((int(ip), 64), strict=False))",
        "if ip else address",
        RATES,
    ),
    Mutant(
        "a body is as large as it likes, unless it says so",
        "api/middleware/body_limits.py",
        "        self._check(self._size)\n",
        "",
        REQUESTS,
    ),
    Mutant(
        "JSON is nested as deeply as it likes",
        "api/media.py",
        "    if may_be_deeper(body, MAX_DEPTH) and ",
        "    if False and ",
        REQUESTS,
    ),
    Mutant(
        "a body may trickle for ever",
        "api/middleware/body_limits.py",
        "self._until = math.inf if self._limit is None else asyncio.get_running_loop().time() + within",
        "self._until = math.inf",
        tests("tests/api/test_requests.py", "-k", "trickles", "--timeout", "30"),
    ),
    # --- injections ---
    Mutant(
        "what users write is HTML in mails",
        "agents/notifications/texts/filling.py",
        "_environment(autoescape=True)",
        "_environment(autoescape=False)",
        tests("tests/agents/notifications/test_texts.py"),
    ),
    Mutant(
        "what users write is HTML on the page of the outbox",
        "api/endpoints/outbox.py",
        "jinja2.Environment(autoescape=True",
        "jinja2.Environment(autoescape=False",
        tests("tests/api/test_outbox.py"),
    ),
    Mutant(
        "SQL can be written into a question",
        "stores/statements.py",
        "{bind(sort_text(text))}",
        "'{sort_text(text)}'",
        tests("tests/warren/test_secrets.py"),
    ),
)
"""Each takes one guard away. The algorithm of tokens has two, and is not here: either one refuses `none` and HS256."""
