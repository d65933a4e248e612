/** What a core of a hostile host names: files that its process is said to have had mapped, and libraries that it is said to have loaded. */
export interface Named {
  readonly mapped?: readonly string[]
  readonly libraries?: readonly string[]
}

const PAGE = 4096
const MEMORY = 0x10000
const MAPPED = 0x400000
/** Where in the page of memory these lie: program headers, the dynamic section, r_debug, the list of libraries, their names. */
const DYNAMIC = 0x200
const DEBUG = 0x300
const LIST = 0x400
const NAMES = 0x800
const LINK_MAP = 64

/** An ELF core as gdb reads it on x86-64: elf(5), core(5), link.h. */
export function hostileCore({ mapped = [], libraries = [] }: Named): Buffer {
  const notes = Buffer.concat([
    note(1, prstatus()),
    note(3, Buffer.alloc(136)),
    note(6, numbers(3, MEMORY, 4, 56, 5, 2, 6, PAGE, 9, MEMORY, 0, 0)),
    note(0x46494c45, fileNote(mapped)),
  ])
  const count = 2 + mapped.length
  const at = 64 + 56 * count
  const head = Buffer.alloc(64)
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  head.writeUInt16LE(4, 16)
  head.writeUInt16LE(62, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(64, 52)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(count, 56)
  const loads = mapped.map((_, i) => segment(1, 0, 0, MAPPED + i * PAGE, PAGE))
  const headers = [segment(4, at, notes.length, 0, 0), segment(1, at + notes.length, PAGE, MEMORY, PAGE), ...loads]
  return Buffer.concat([head, ...headers, notes, memory(['', ...libraries])])
}

/** A process's registers: all are zero. */
function prstatus(): Buffer {
  const status = Buffer.alloc(336)
  status.writeInt32LE(4711, 32)
  return status
}

function fileNote(mapped: readonly string[]): Buffer {
  const ranges = mapped.flatMap((_, i) => [MAPPED + i * PAGE, MAPPED + (i + 1) * PAGE, 0])
  return Buffer.concat([
    numbers(mapped.length, PAGE, ...ranges),
    Buffer.from(mapped.map((name) => `${name}\0`).join('')),
  ])
}

/** What leads from the program's headers to the libraries. */
function memory(names: readonly string[]): Buffer {
  const page = Buffer.alloc(PAGE)
  page.set(segment(6, 0, 112, MEMORY, 112), 0)
  page.set(segment(2, DYNAMIC, 32, MEMORY + DYNAMIC, 32), 56)
  page.set(numbers(21, MEMORY + DEBUG, 0, 0), DYNAMIC)
  page.set(numbers(1, MEMORY + LIST), DEBUG)
  let end = NAMES
  for (const [i, name] of names.entries()) {
    const here = MEMORY + LIST + i * LINK_MAP
    const next = i + 1 < names.length ? here + LINK_MAP : 0
    page.set(
      numbers(0x7000000, MEMORY + end, MEMORY + DYNAMIC, next, i === 0 ? 0 : here - LINK_MAP),
      LIST + i * LINK_MAP,
    )
    end += page.write(`${name}\0`, end)
  }
  return page
}

function segment(type: number, offset: number, stored: number, address: number, size: number): Buffer {
  const header = Buffer.concat([Buffer.alloc(8), numbers(offset, address, 0, stored, size, 1)])
  header.writeUInt32LE(type, 0)
  header.writeUInt32LE(5, 4)
  return header
}

function note(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(20)
  head.writeUInt32LE(5, 0)
  head.writeUInt32LE(content.length, 4)
  head.writeUInt32LE(type, 8)
  head.write('CORE', 12)
  return Buffer.concat([head, content, Buffer.alloc(-content.length & 3)])
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * i)
  return bytes
}
