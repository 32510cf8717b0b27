"""Tests of intercomd: one folder per package; tests/support holds what several of them use."""
