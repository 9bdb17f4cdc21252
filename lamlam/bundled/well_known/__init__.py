"""What people ask first: countries, large cities, US states, elements, planets and moons.

Read from pinned packages of two registries; `archives.PINNED` lists them with their licences.
"""
