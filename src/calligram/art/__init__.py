"""
The engine: bytes and values in, values and bytes out. Pure, on numpy and Pillow alone.
"""
