"""Claims: what a description states, piece by piece, held against the image and mended where it is wrong.

    text --read--> statements --evidence, witness--> findings --repair--> text that holds

Nothing is believed for having been written: the final text is read anew, each statement is checked alone,
and a verdict is given only where something was looked at.
"""
