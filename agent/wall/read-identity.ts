import { type ItemIdentity, UNCHECKED } from '../words/evidence.ts'
import { tellable } from '../words/printable.ts'
import { NAME, PATH, readDetails, SENTENCE } from './read-details.ts'
import { type Kind, read } from './read-shape.ts'

/** What each field is. */
const FIELDS: Readonly<Record<keyof ItemIdentity, Kind>> = {
  path: PATH,
  pid: 'number',
  comm: NAME,
  exe: PATH,
  unit: NAME,
  container: NAME,
  pod: NAME,
  namespace: NAME,
  containerName: NAME,
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
  holes: 'size',
  unchecked: UNCHECKED,
  claimed: 'flag',
  details: readDetails,
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
    const told = read(FIELDS[name], field)
    if (told === undefined) odd.push(name)
    else identity[name] = told
  }
  if (odd.length > 0) {
    const told = `what the collector said of ${odd.join(', ')} cannot be`
    identity.note = identity.note === undefined ? told : tellable(`${told}; ${identity.note}`, SENTENCE)
  }
  return identity
}
