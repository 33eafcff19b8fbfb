"""How long something is waited for, in seconds, before it has failed: on an emulated processor of a machine that does
other things too. On a quiet one everything comes in a tenth of this.
"""

# From power on to the panel, with the firmware, a first start, and a restart or two.
BOOT = 1800
# What stands on the panel changes.
SCREEN = 300
# A tap leads to a call.
CALL = 600
# What differs of 400 MB, the other slot, two restarts, and everything shown to work.
UPDATE = 4800
