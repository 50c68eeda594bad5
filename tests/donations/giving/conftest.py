from tests.donations.providers.conftest import till

__all__ = ["till"]
