"""Run by drgn(1) with numbers of pages: those that are free, as JSON. A page on a processor's own list bears no flag that says so."""

import json
import sys

from drgn.helpers.linux.mm import pfn_to_page

# No user, no flags, no type: struct page in include/linux/mm_types.h. Types are negated, or in the upper 8 bits since 6.11.
NO_TYPE = 0xFF
# Zone, node and the like are above.
FLAGS = 0x3FFFFF


def flags_of(page):
    flags = page.flags
    return (flags.f if hasattr(flags, "f") else flags).value_() & FLAGS


def is_free(pfn):
    page = pfn_to_page(prog, pfn)
    users = page._refcount.counter.value_()
    kind = (page.page_type.value_() & 0xFFFFFFFF) >> 24
    return users == 0 and kind == NO_TYPE and flags_of(page) == 0


print(json.dumps([pfn for pfn in map(int, sys.argv[1:]) if is_free(pfn)]))
