/** A type as BTF writes it: an integer, an array of one, or a structure whose members are other types by their numbers. */
export type BlobType =
  | { readonly kind: 'int' }
  | { readonly kind: 'array'; readonly of: number; readonly elements: number }
  | { readonly kind: 'enum'; readonly values: number }
  | { readonly kind: 'union' | 'struct'; readonly name: string; readonly bytes: number; readonly members: BlobMember[] }
  | { readonly kind: 'unknown' }

/** Name, number of its type, offset in bytes. */
export type BlobMember = readonly [string, number, number]

/** BTF of types numbered from 1 on, little-endian: Documentation/bpf/btf.rst. */
export function btfBlob(types: readonly BlobType[], narrow = false): Buffer {
  const names = new Map([['', 0]])
  let text = '\0'
  const name = (value: string) => {
    if (!names.has(value)) {
      names.set(value, text.length)
      text += `${value}\0`
    }
    return names.get(value) ?? 0
  }
  const words: number[] = []
  for (const type of types) {
    if (type.kind === 'int') words.push(0, 1 << 24, 8, 64)
    else if (type.kind === 'array') words.push(0, 3 << 24, 0, type.of, type.of, type.elements)
    else if (type.kind === 'enum') words.push(0, (6 << 24) | type.values, 4, ...Array(type.values * 2).fill(0))
    else if (type.kind === 'unknown') words.push(0, 31 << 24, 0)
    else {
      const kind = type.kind === 'struct' ? 4 : 5
      words.push(name(type.name), ((kind << 24) | type.members.length | (narrow ? 1 << 31 : 0)) >>> 0, type.bytes)
      // Where offsets are narrow, the upper byte is the width of a bit field.
      for (const [member, of, offset] of type.members) words.push(name(member), of, offset * 8 + (narrow ? 3 << 24 : 0))
    }
  }
  const head = Buffer.alloc(24)
  head.writeUInt16LE(0xeb9f, 0)
  head[2] = 1
  head.writeUInt32LE(24, 4)
  head.writeUInt32LE(words.length * 4, 12)
  head.writeUInt32LE(words.length * 4, 16)
  head.writeUInt32LE(text.length, 20)
  return Buffer.concat([head, Buffer.from(Uint32Array.from(words).buffer), Buffer.from(text)])
}

/** In TASK_TYPES: from a node to its slots, from a pid to its tasks, from a task to its link. Bytes. */
export const [TO_SLOTS, TO_TASKS, TO_LINK] = [16, 32, 1000]
const SLOTS = 16

/** The structures that tasks are found by. */
export const TASK_TYPES: readonly BlobType[] = [
  { kind: 'int' },
  { kind: 'array', of: 1, elements: SLOTS },
  { kind: 'struct', name: 'xarray', bytes: 16, members: [['xa_head', 1, 8]] },
  { kind: 'struct', name: 'idr', bytes: 24, members: [['idr_rt', 3, 0]] },
  { kind: 'struct', name: 'pid_namespace', bytes: 64, members: [['idr', 4, 16]] },
  { kind: 'struct', name: 'xa_node', bytes: TO_SLOTS + SLOTS * 8, members: [['slots', 2, TO_SLOTS]] },
  { kind: 'struct', name: 'pid', bytes: 64, members: [['tasks', 1, TO_TASKS]] },
  { kind: 'struct', name: 'task_struct', bytes: 6000, members: [['pid_links', 1, TO_LINK]] },
]
