"""Fixed-window rate limits, counted in the cache."""

import hashlib
import logging
import time

from django.core.cache import cache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def seconds_to_wait(scope: str, key: str, *, limit: int, per: int) -> int:
    """Count one attempt of `key` in `scope`; 0 if it is within `limit` a window of `per` seconds.

    Otherwise the seconds until the window ends, for a Retry-After header. The key is stored
    hashed: the cache holds no address of anybody. While the cache is down nobody waits.
    """
    name, left = _window(scope, key, per=per)
    try:
        cache.add(name, 0, timeout=per)
        count = cache.incr(name)
    except ValueError:  # the entry expired between the two calls
        return 0
    except RedisError as error:
        logger.warning("The cache is down, so %s is not limited: %s", scope, error)
        return 0
    return 0 if count <= limit else left


def seconds_left(scope: str, key: str, *, limit: int, per: int) -> int:
    """As `seconds_to_wait`, but counts nothing: 0 while one more attempt is within the limit."""
    name, left = _window(scope, key, per=per)
    try:
        count = cache.get(name, 0)
    except RedisError as error:
        logger.warning("The cache is down, so %s is not limited: %s", scope, error)
        return 0
    return 0 if count < limit else left


def _window(scope: str, key: str, *, per: int) -> tuple[str, int]:
    """The name to count under now, and the seconds until that ends."""
    window, elapsed = divmod(int(time.time()), per)
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"rate:{scope}:{window}:{digest}", per - elapsed
