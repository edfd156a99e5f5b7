"""Values into text: tables for people, data for programs, Markdown for pull requests.

All foreign text is cleaned here once more, and is never read as markup (rule 52).
"""
