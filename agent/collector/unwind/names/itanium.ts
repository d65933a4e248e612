import { nameOf, unqualified } from './itanium-names.ts'
import { Reading, type Rules } from './itanium-reading.ts'
import { typeOf } from './itanium-signature.ts'
import { Unread } from './mangled-text.ts'

const RULES: Rules = { name: nameOf, unqualified, type: typeOf }

/**
 * A C++ function as people write it, without what it returns and takes: Itanium C++ ABI, 5.1 "External Names", as c++filt(1) shows it.
 * Undefined where the name is none of these, or too strange.
 */
export function cppName(mangled: string): string | undefined {
  const [, symbol = '', clone = ''] = /^(_Z[^.@]*)((?:\.[\w.]+)?)$/.exec(mangled) ?? []
  if (symbol === '') return undefined
  try {
    const name = whole(new Reading(symbol.slice(2), RULES))
    return clone === '' ? name : `${name}${clone}`
  } catch (error) {
    if (error instanceof Unread || error instanceof RangeError) return undefined
    throw error
  }
}

function whole(it: Reading): string {
  const thunk = thunkOf(it)
  // What it takes is not told, so it is not read.
  return thunk + nameOf(it).text
}

function thunkOf(it: Reading): string {
  const offset = () => {
    const kind = it.in.next()
    it.in.number()
    it.in.expect('_')
    if (kind === 'v') {
      it.in.number()
      it.in.expect('_')
    } else if (kind !== 'h') throw new Unread()
    return kind
  }
  if (it.in.eat('Tc')) {
    offset()
    offset()
    return 'covariant return thunk to '
  }
  if (it.in.peek('Th') || it.in.peek('Tv')) {
    it.in.at += 1
    return offset() === 'h' ? 'non-virtual thunk to ' : 'virtual thunk to '
  }
  if (it.in.eat('TW')) return 'TLS wrapper function for '
  return it.in.eat('TH') ? 'TLS init function for ' : ''
}
