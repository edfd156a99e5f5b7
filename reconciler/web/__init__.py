"""What the daemon shows over HTTP: its health, and how every environment stands.

Read-only for now. The dashboard, its API and login come with their own issue.
"""
