"""The payment service as one of the demo's processes."""

import argparse
import os
import signal
import threading
from pathlib import Path
from types import FrameType

from fibrosite.demo.checkout.server import HOST, CheckoutServer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--site", required=True)
    options = parser.parse_args()
    options.file.parent.mkdir(parents=True, exist_ok=True)
    server = CheckoutServer(
        options.port,
        site=options.site,
        file=options.file,
        stripe_key=os.environ.get("STRIPE_API_KEY", "sk_test_demo"),
        stripe_secret=os.environ.get("STRIPE_WEBHOOK_SECRET", "whsec_demo"),
        paypal_webhook_id=os.environ.get("PAYPAL_WEBHOOK_ID", "demo"),
    )
    end = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.start()
    print(f"takes pretended payments on {HOST}:{options.port}", flush=True)
    end.wait()
    server.stop()
    server.books.save()


if __name__ == "__main__":
    main()
