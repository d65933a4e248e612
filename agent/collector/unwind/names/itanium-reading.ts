import { type Type, textOf } from './itanium-types.ts'
import { STANDARD } from './itanium-words.ts'
import { MangledText, Unread } from './mangled-text.ts'

/** The parts of a name: what is before its parameters, and what is told behind them. */
export interface Name {
  readonly text: string
  /** `const`, `&`: of member functions. */
  readonly behind: string
  readonly hasTemplate: boolean
  /** Constructors, destructors and conversions say nothing of what they return. */
  readonly isSpecial: boolean
}

/** The rules by which a name's parts are read: they lead in a circle, as types are named and names have types in them. */
export interface Rules {
  readonly name: (it: Reading) => Name
  /** A part of a name; `of` is the part before it. */
  readonly unqualified: (it: Reading, of: string) => Pick<Name, 'text' | 'isSpecial'>
  readonly type: (it: Reading) => Type
}

/** A mangled name that is being read, and what is known by then. */
export class Reading {
  readonly in: MangledText
  readonly rules: Rules
  /** What `S_`, `S0_`, … stand for. */
  readonly subs: Type[] = []
  /** What `T_`, `T0_`, … stand for: the arguments of the template whose function this is. */
  params: readonly Type[] = []
  /** Whether template arguments that are read now are those of the function itself. */
  isOfFunction = true
  /** In a lambda's parameters, `T_` is its own `auto`. */
  lambdas = 0
  /** Which of a pack stands for it. */
  packed: number | undefined

  constructor(text: string, rules: Rules) {
    this.in = new MangledText(text)
    this.rules = rules
  }
}

/** Reads what is not of the function itself: arguments of templates there are not what its own parameters stand for. */
export function notOfFunction<T>(it: Reading, read: () => T): T {
  const wasOf = it.isOfFunction
  it.isOfFunction = false
  const value = read()
  it.isOfFunction = wasOf
  return value
}

/** A template's parameter, as what it stands for. */
export function parameter(it: Reading): Type {
  it.in.expect('T')
  const index = it.in.peek('_') ? 0 : it.in.number() + 1
  it.in.expect('_')
  if (it.lambdas > 0) return { left: `auto:${index + 1}`, right: '' }
  const found = it.params[index]
  if (found === undefined) throw new Unread()
  if (found.pack === undefined || it.packed === undefined) return found
  return found.pack[it.packed] ?? { left: '', right: '' }
}

/** What was told before. */
export function substitution(it: Reading): Type {
  it.in.expect('S')
  const standard = STANDARD[it.in.text[it.in.at] ?? '']
  if (standard !== undefined) {
    it.in.at += 1
    const [left, full] = standard
    return { left, right: '', ...(full !== undefined && { full }) }
  }
  const [, digits = ''] = /^([0-9A-Z]*)_/.exec(it.in.text.slice(it.in.at, it.in.at + 8)) ?? []
  it.in.at += digits.length
  it.in.expect('_')
  const found = it.subs[digits === '' ? 0 : Number.parseInt(digits, 36) + 1]
  if (found === undefined) throw new Unread()
  return found
}

/** What may be told again. */
export function added(it: Reading, type: Type): Type {
  it.in.told(textOf(type))
  it.subs.push(type)
  return type
}
