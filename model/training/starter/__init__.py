"""The bundle that comes along: ``recipe`` trains it, ``release`` tunes, exports and measures it, ``card`` describes"""
