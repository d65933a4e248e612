/** What an ELF core made here is like. Memory is zeros. */
export interface CoreShape {
  readonly bits: 32 | 64
  readonly order?: 'little' | 'big'
  /** Mappings, of a page each. */
  readonly loads: number
  readonly pid?: number
  readonly signal?: number
  readonly comm?: Buffer | string
}

const PAGE = 4096
const WIDE = { file: 64, segment: 56, section: 64, status: [336, 12, 32], info: [136, 24, 40] } as const
const NARROW = { file: 52, segment: 32, section: 40, status: [144, 12, 24], info: [124, 12, 28] } as const

/** A core as Linux's fs/binfmt_elf.c lays it out: of very many mappings with section header 0 at its end. */
export function syntheticCore(shape: CoreShape): Buffer {
  const { bits, order = 'little', loads, pid = 4711, signal = 11, comm = 'invented' } = shape
  const form = bits === 64 ? WIDE : NARROW
  const count = loads + 1
  const isMany = count >= 0xffff
  const notesAt = form.file + count * form.segment
  const notesBytes = 40 + form.status[0] + form.info[0]
  const memoryAt = Math.ceil((notesAt + notesBytes) / PAGE) * PAGE
  const sectionAt = memoryAt + loads * PAGE
  const file = Buffer.alloc(sectionAt + (isMany ? form.section : 0))
  const half = (value: number, at: number) =>
    order === 'little' ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at)
  const word = (value: number, at: number) =>
    order === 'little' ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at)
  const giant = (value: number, at: number) =>
    order === 'little' ? file.writeBigUInt64LE(BigInt(value), at) : file.writeBigUInt64BE(BigInt(value), at)
  const long = bits === 64 ? giant : word

  file.write('\x7fELF', 'latin1')
  file.set([bits / 32, order === 'little' ? 1 : 2, 1], 4)
  half(4, 16)
  half(bits === 64 ? 62 : 3, 18)
  long(form.file, bits === 64 ? 32 : 28)
  long(isMany ? sectionAt : 0, bits === 64 ? 40 : 32)
  const fields = [form.file, form.segment, Math.min(count, 0xffff), isMany ? form.section : 0, isMany ? 1 : 0]
  for (const [index, value] of fields.entries()) half(value, (bits === 64 ? 52 : 40) + 2 * index)
  const [offset, size] = bits === 64 ? [8, 32] : [4, 16]
  const segment = (index: number, type: number, from: number, bytes: number) => {
    const at = form.file + index * form.segment
    word(type, at)
    long(from, at + offset)
    long(bytes, at + size)
  }
  segment(0, 4, notesAt, notesBytes)
  for (let index = 0; index < loads; index++) segment(index + 1, 1, memoryAt + index * PAGE, PAGE)

  const note = (at: number, type: number, bytes: number) => {
    for (const [index, value] of [5, bytes, type].entries()) word(value, at + 4 * index)
    file.write('CORE', at + 12)
    return at + 20
  }
  const [statusBytes, signalAt, threadAt] = form.status
  const status = note(notesAt, 1, statusBytes)
  half(signal, status + signalAt)
  word(pid, status + threadAt)
  const [infoBytes, pidAt, commAt] = form.info
  const info = note(status + statusBytes, 3, infoBytes)
  word(pid, info + pidAt)
  Buffer.from(comm).copy(file, info + commAt, 0, 16)
  if (isMany) word(count, sectionAt + (bits === 64 ? 44 : 28))
  return file
}
