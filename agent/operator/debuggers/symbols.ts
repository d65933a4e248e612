import { OPEN } from './core-scripts.ts'
import { BY_BUILD_ID } from './fetched-programs.ts'

/** The Python file that gives gdb the bundle's own programs and libraries, below the directory of the fetch. */
export const SYMBOLS = `${OPEN}/symbols.py`

/**
 * What gdb's Python runs when it has opened a core. By itself gdb looks for libraries by the names that the core has for them, which
 * are those of symbolic links and of containers, and takes any file of that name; only younger ones ask for the build-id. Here each
 * file is known by the build-id in the core's memory, and lies where the core has it mapped. Nothing in it is from a bundle.
 */
export function symbols(): string {
  return SCRIPT
}

const SCRIPT = `# Run by gdb when it has opened a core of this bundle: gives it the bundle's programs and libraries where the core's own memory has their build-ids.
import os, re, struct, gdb

BY_BUILD_ID = "${BY_BUILD_ID}"
MOST_MAPPINGS, MOST_FILES, MOST_HEADERS, MOST_NOTES = 100000, 1000, 64, 4096

def build_id(read):
    """The build-id of an ELF file (elf(5)) in hex, and where it wants to be; read(offset, size) gives its bytes."""
    ident = read(0, 64)
    if ident[:4] != b"\\x7fELF" or ident[4] not in (1, 2) or ident[5] not in (1, 2):
        return None
    order, wide = "<" if ident[5] == 1 else ">", ident[4] == 2
    table, size, count = (
        struct.unpack_from(order + "Q", ident, 32) + struct.unpack_from(order + "HH", ident, 54) if wide
        else struct.unpack_from(order + "I", ident, 28) + struct.unpack_from(order + "HH", ident, 42))
    base, found = None, None
    for at in range(min(count, MOST_HEADERS)):
        header = read(table + at * size, 56 if wide else 32)
        kind = struct.unpack_from(order + "I", header)[0]
        offset, address, _, length = struct.unpack_from(order + ("4Q" if wide else "4I"), header, 8 if wide else 4)
        if kind == 1 and base is None:
            base = address - offset
        if kind == 4 and found is None:
            notes = read(offset, min(length, MOST_NOTES))
            while len(notes) >= 12:
                name, content, what = struct.unpack_from(order + "III", notes)
                begin = 12 + (name + 3) // 4 * 4
                if what == 3 and notes[12:12 + name] == b"GNU\\0":
                    found = notes[begin:begin + content].hex()
                    break
                notes = notes[begin + (content + 3) // 4 * 4:]
    return None if found is None or base is None else (found, base)

def mapped():
    """Where the beginning of a file is mapped: by the core's list of them (NT_FILE)."""
    printed = gdb.execute("info proc mappings", to_string=True)[:MOST_MAPPINGS * 200]
    return [int(start, 16) for start in re.findall(r"(?m)^ *(0x[0-9a-f]+) +0x[0-9a-f]+ +0x[0-9a-f]+ +0x0 ", printed)]

def load():
    memory = gdb.selected_inferior()
    known = {objfile.build_id for objfile in gdb.objfiles()}
    for start in mapped()[:MOST_FILES]:
        try:
            found = build_id(lambda offset, size: bytes(memory.read_memory(start + offset, size)))
        except (gdb.error, struct.error, OverflowError):
            continue
        if found is None or found[0] in known:
            continue
        path = f"{BY_BUILD_ID}/{found[0]}"
        try:
            with open(path, "rb") as file:
                def read(offset, size):
                    file.seek(offset)
                    return file.read(size)
                same = build_id(read)
        except (OSError, struct.error, OverflowError, ValueError):
            continue
        # What a receipt says is not believed.
        if same is not None and same[0] == found[0]:
            known.add(found[0])
            gdb.execute(f"add-symbol-file {path} -o {start - same[1]}", to_string=True)

try:
    load()
except gdb.error as error:
    print(f"Programs and libraries of the bundle were not looked at: {error}")
`
