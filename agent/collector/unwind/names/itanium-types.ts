/** A type as C++ writes it, around the name of what has it: `void (*` and `)(int)`. */
export interface Type {
  readonly left: string
  readonly right: string
  /** A function or an array: what points to it stands in brackets. */
  readonly isOutside?: boolean
  readonly reference?: '&' | '&&'
  /** Of several arguments that one parameter stands for. */
  readonly pack?: readonly Type[]
  /** Of one with a short name: what it is called where something in it is named. */
  readonly full?: string
}

export const textOf = ({ left, right }: Type): string => left + right

export function pointerTo({ left, right, isOutside = false }: Type): Type {
  return isOutside
    ? { left: `${left} (*`, right: `)${right.trimStart().replace(/^\[/, ' [')}` }
    : { left: `${left}*`, right }
}

/** A reference to a reference is one, and rvalue only where both are: C++ [dcl.ref]. */
export function referenceTo(type: Type, sign: '&' | '&&'): Type {
  const { left, right, isOutside = false, reference } = type
  if (reference !== undefined) {
    if (reference === '&' || sign === '&&') return type
    return { ...type, left: left.replace(/&&$/, '&'), reference: '&' }
  }
  if (isOutside)
    return { left: `${left} (${sign}`, right: `)${right.trimStart().replace(/^\[/, ' [')}`, reference: sign }
  return { left: left + sign, right, reference: sign }
}

/** `const` and the like, each with a blank before it. */
export function qualified(words: string, type: Type): Type {
  const isFunction = type.isOutside && type.right.startsWith(' (')
  return isFunction ? { ...type, right: type.right + words } : { ...type, left: type.left + words }
}

/** What stands behind a number of a built-in type; of others the type stands before it. */
export const LITERAL_SUFFIX: Readonly<Record<string, string>> = { i: '', j: 'u', l: 'l', m: 'ul', x: 'll', y: 'ull' }
