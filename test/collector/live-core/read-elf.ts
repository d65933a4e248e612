/** As much of an ELF reader as the tests need: memory by address, and notes. Independent of the code that writes. */
export interface ReadElf {
  readonly loads: readonly { address: number; offset: number; stored: number; size: number }[]
  readonly notes: readonly { type: number; owner: string; content: Buffer }[]
  /** What a core has at an address, zeros for what it knows to be empty; undefined where it has nothing. */
  at(address: number, length: number): Buffer | undefined
}

export function readElf(core: Buffer): ReadElf {
  const long = (at: number) => Number(core.readBigUInt64LE(at))
  const section = long(40)
  const count = core.readUInt16LE(56) === 0xffff ? core.readUInt32LE(section + 44) : core.readUInt16LE(56)
  const headers = Array.from({ length: count }, (_, index) => 64 + index * 56)
  const loads = headers
    .filter((at) => core.readUInt32LE(at) === 1)
    .map((at) => ({ address: long(at + 16), offset: long(at + 8), stored: long(at + 32), size: long(at + 40) }))
  const noteHeader = headers.find((at) => core.readUInt32LE(at) === 4) ?? 0
  return {
    loads,
    notes: [...notesIn(core.subarray(long(noteHeader + 8), long(noteHeader + 8) + long(noteHeader + 32)))],
    at(address, length) {
      const bytes = Buffer.alloc(length)
      let known = 0
      for (const load of loads) {
        const from = Math.max(address, load.address)
        const to = Math.min(address + length, load.address + load.size)
        if (from >= to) continue
        known += to - from
        const stored = Math.min(to, load.address + load.stored)
        const offset = load.offset + from - load.address
        if (from < stored) core.copy(bytes, from - address, offset, offset + stored - from)
      }
      return known === length ? bytes : undefined
    },
  }
}

function* notesIn(notes: Buffer) {
  for (let at = 0; at < notes.length; ) {
    const [name, length, type] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4), notes.readUInt32LE(at + 8)]
    const from = at + 12 + Math.ceil(name / 4) * 4
    yield {
      type,
      owner: notes.toString('latin1', at + 12, at + 11 + name),
      content: notes.subarray(from, from + length),
    }
    at = from + Math.ceil(length / 4) * 4
  }
}
