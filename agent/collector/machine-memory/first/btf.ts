/** Where a member lies in a structure. */
export interface Member {
  /** Bytes from the beginning. */
  readonly offset: number
  /** Of an array; otherwise 1. */
  readonly elements: number
}

/** A structure of the kernel. */
export interface Structure {
  readonly bytes: number
  readonly members: ReadonlyMap<string, Member>
}

const MAGIC = 0xeb9f
const TYPE_BYTES = 12
const MEMBER_BYTES = 12
const [ARRAY, STRUCT, UNION] = [3, 4, 5]
/** Bytes behind a type, by its kind: for each of its members, or once. Documentation/bpf/btf.rst, "Type Encoding". */
const EACH: Readonly<Record<number, number>> = { 4: MEMBER_BYTES, 5: MEMBER_BYTES, 6: 8, 13: 8, 15: 12, 19: 12 }
const ONCE: Readonly<Record<number, number>> = { 1: 4, 3: 12, 14: 4, 17: 4 }
const LAST_KIND = 19
/** Anonymous structures within each other: the kernel has four. */
const DEEPEST = 32

/**
 * Structures by name, from /sys/kernel/btf/vmlinux (Documentation/bpf/btf.rst); of several with one name, the first. Members of
 * anonymous structures and unions count as the outer one's. Throws where it is no BTF, or has kinds of types that are not known.
 */
export function readStructures(btf: Buffer, wanted: readonly string[]): ReadonlyMap<string, Structure> {
  if (btf.length < 24 || btf.readUInt16LE(0) !== MAGIC) throw new Error('it does not begin as BTF does')
  const header = btf.readUInt32LE(4)
  const [typesAt, typesBytes, namesAt] = [8, 12, 16].map((at) => btf.readUInt32LE(at)) as [number, number, number]
  const types = btf.subarray(header + typesAt, header + typesAt + typesBytes)
  const names = btf.subarray(header + namesAt)
  const read: Types = {
    types,
    places: placesOf(types),
    name: (at) => names.toString('latin1', types.readUInt32LE(at), names.indexOf(0, types.readUInt32LE(at))),
  }
  const found = new Map<string, Structure>()
  for (const at of read.places) {
    if (kindOf(types, at) !== STRUCT) continue
    const name = read.name(at)
    if (!wanted.includes(name) || found.has(name)) continue
    found.set(name, { bytes: types.readUInt32LE(at + 8), members: new Map(membersOf(read, at, 0)) })
  }
  return found
}

interface Types {
  /** The section of types. */
  readonly types: Buffer
  /** Where each type begins in it, by its number less 1: 0 is void. */
  readonly places: readonly number[]
  /** The name whose offset stands at a place. */
  name(at: number): string
}

function placesOf(types: Buffer): number[] {
  const places: number[] = []
  for (let at = 0; at + TYPE_BYTES <= types.length; ) {
    const kind = kindOf(types, at)
    if (kind === 0 || kind > LAST_KIND) throw new Error(`its type ${places.length + 1} is of the unknown kind ${kind}`)
    places.push(at)
    at += TYPE_BYTES + (ONCE[kind] ?? (EACH[kind] ?? 0) * types.readUInt16LE(at + 4))
    if (at > types.length) throw new Error(`its type ${places.length} is cut`)
  }
  return places
}

function* membersOf(read: Types, at: number, base: number, depth = 0): Generator<[string, Member]> {
  const { types, places } = read
  if (depth > DEEPEST) throw new Error('one of its structures has no end')
  // Set where the lower 24 bits of each offset are in bits, and the upper 8 the width of a bit field.
  const narrow = types.readUInt32LE(at + 4) >>> 31 === 1
  for (let index = 0; index < types.readUInt16LE(at + 4); index++) {
    const member = at + TYPE_BYTES + index * MEMBER_BYTES
    const bits = types.readUInt32LE(member + 8)
    const offset = base + Math.floor((narrow ? bits & 0xffffff : bits) / 8)
    const inner = places[types.readUInt32LE(member + 4) - 1]
    const kind = inner === undefined ? 0 : kindOf(types, inner)
    const elements = inner !== undefined && kind === ARRAY ? types.readUInt32LE(inner + TYPE_BYTES + 8) : 1
    if (types.readUInt32LE(member) !== 0) yield [read.name(member), { offset, elements }]
    else if (inner !== undefined && (kind === STRUCT || kind === UNION))
      yield* membersOf(read, inner, offset, depth + 1)
  }
}

const kindOf = (types: Buffer, at: number) => (types.readUInt32LE(at + 4) >>> 24) & 0x1f
