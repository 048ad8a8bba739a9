"""
Disclosure control: what may be published of data that are not open, and in which form.

Tables (`tables`, `tabulation`, `clearance`) by rules (`primary`), protected together (`protection`) and against what
was published before (`history`); places (`places`), answers with noise (`answers`), microdata. Pure functions, without
files, clock or chance of their own.
"""
