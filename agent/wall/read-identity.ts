import { type ItemIdentity, UNCHECKED } from '../words/evidence.ts'
import { tellable } from '../words/printable.ts'
import { isSize, whole } from './read-fields.ts'

/** Characters of a path: PATH_MAX of Linux's limits.h. */
const PATH = 4096
/** Of a name: more than a unit (256), an id or a package has. */
const NAME = 512
/** Of a sentence: it is one line of `show`. */
const SENTENCE = 2000

/** What each field is: a text of so many characters, one of some words, a number, a duration, bytes, or a yes. */
const FIELDS: Readonly<
  Record<keyof ItemIdentity, number | readonly string[] | 'number' | 'duration' | 'size' | 'flag'>
> = {
  path: PATH,
  pid: 'number',
  comm: NAME,
  exe: PATH,
  unit: NAME,
  container: NAME,
  package: NAME,
  uid: 'number',
  started: 'number',
  threads: 'number',
  signal: 'number',
  at: 'number',
  bootId: NAME,
  buildId: NAME,
  freezeMs: 'duration',
  torn: 'number',
  trouble: SENTENCE,
  holes: 'size',
  unchecked: UNCHECKED,
  claimed: 'flag',
  note: SENTENCE,
}

const isField = (name: string): name is keyof ItemIdentity => Object.hasOwn(FIELDS, name)

/**
 * Which thing an item shows, field by field: text is cut and made plain, and a field that is not what it should be is left out
 * and named in the note, so that it costs neither the item nor its receipt.
 */
export function readIdentity(value: Readonly<Record<string, unknown>>): ItemIdentity {
  const identity: Record<string, unknown> = {}
  const odd: string[] = []
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined || !isField(name)) continue
    const kind = FIELDS[name]
    if (typeof kind === 'number' && typeof field === 'string') identity[name] = tellable(field, kind)
    else if (kind === 'number' && Number.isFinite(field)) identity[name] = field
    else if (kind === 'duration' && isSize(field)) identity[name] = field
    else if (kind === 'size' && isSize(field)) identity[name] = whole(field)
    else if (Array.isArray(kind) && kind.includes(field)) identity[name] = field
    else if (kind === 'flag' && typeof field === 'boolean') identity[name] = field
    else odd.push(name)
  }
  if (odd.length > 0) {
    const told = `what the collector said of ${odd.join(', ')} cannot be`
    identity.note = identity.note === undefined ? told : tellable(`${told}; ${identity.note}`, SENTENCE)
  }
  return identity
}
