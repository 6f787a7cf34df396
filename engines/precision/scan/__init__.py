"""Recurrent operators written as Scans."""
