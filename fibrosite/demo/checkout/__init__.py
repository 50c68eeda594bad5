"""A payment service for the demo and the tests: it speaks the parts of Stripe's and PayPal's APIs
that the site calls, shows a page with buttons, and reports by signed webhooks. No money moves.

python -m fibrosite.demo.checkout --port 4242 --file var/payments.json --site http://127.0.0.1:8000

Standard library only, so that it starts at once and stands beside any test.
"""
