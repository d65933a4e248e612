/** A vmcore as a reader sees it. */
export interface Vmcore {
  readonly notes: readonly { readonly name: string; readonly type: number; readonly content: Buffer }[]
  readonly loads: readonly {
    readonly offset: number
    readonly address: bigint
    readonly physical: number
    readonly bytes: number
  }[]
}

/** Takes a vmcore's headers apart, by elf(5) and nothing of ours. */
export function parseVmcore(file: Buffer): Vmcore {
  const loads: Vmcore['loads'][number][] = []
  const notes: Vmcore['notes'][number][] = []
  for (let index = 0; index < file.readUInt16LE(56); index++) {
    const at = Number(file.readBigUInt64LE(32)) + index * file.readUInt16LE(54)
    const offset = Number(file.readBigUInt64LE(at + 8))
    const bytes = Number(file.readBigUInt64LE(at + 32))
    if (file.readUInt32LE(at) === 1) {
      loads.push({
        offset,
        address: file.readBigUInt64LE(at + 16),
        physical: Number(file.readBigUInt64LE(at + 24)),
        bytes,
      })
      continue
    }
    for (let from = offset; from < offset + bytes; ) {
      const nameBytes = file.readUInt32LE(from)
      const length = file.readUInt32LE(from + 4)
      const content = from + 12 + Math.ceil(nameBytes / 4) * 4
      const name = file.toString('latin1', from + 12, from + 12 + nameBytes - 1)
      notes.push({ name, type: file.readUInt32LE(from + 8), content: file.subarray(content, content + length) })
      from = content + Math.ceil(length / 4) * 4
    }
  }
  return { notes, loads }
}
