"""Transfers as the app shows them: lists, order, speeds, notifications."""
