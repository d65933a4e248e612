import { templateArguments } from './itanium-arguments.ts'
import { added, parameter, type Reading, substitution } from './itanium-reading.ts'
import { pointerTo, qualified, referenceTo, type Type, textOf } from './itanium-types.ts'
import { BUILTIN } from './itanium-words.ts'
import { Unread } from './mangled-text.ts'

/** What a function takes, one after the other. */
export function parametersOf(it: Reading): string {
  const types: string[] = []
  while (it.in.at < it.in.text.length && !it.in.peek('E') && !it.in.peek('.')) types.push(textOf(typeOf(it)))
  return it.in.told(types.filter((type) => type !== 'void' && type !== '').join(', '))
}

/** What something is of. */
export function typeOf(it: Reading): Type {
  return it.in.deeper(() => {
    const char = it.in.text[it.in.at] ?? ''
    const builtin = BUILTIN[char]
    if (builtin !== undefined) {
      it.in.at += 1
      return { left: builtin, right: '' }
    }
    if (char === 'S' && !it.in.peek('St')) {
      const known = substitution(it)
      return it.in.peek('I') ? added(it, { left: textOf(known) + templateArguments(it), right: '' }) : known
    }
    if (char === 'D' && it.in.text[it.in.at + 1] === 'p') return expanded(it)
    if (char === 'D') {
      const word = BUILTIN[it.in.text.slice(it.in.at, it.in.at + 2)]
      if (word === undefined) return added(it, functionType(it))
      it.in.at += 2
      return { left: word, right: '' }
    }
    return added(it, compound(it, char))
  })
}

function compound(it: Reading, char: string): Type {
  switch (char) {
    case 'P':
      it.in.at += 1
      return pointerTo(typeOf(it))
    case 'R':
    case 'O':
      it.in.at += 1
      return referenceTo(typeOf(it), char === 'R' ? '&' : '&&')
    case 'K':
    case 'V':
    case 'r':
      return qualified(it.in.qualifiers(), it.in.peek('F') ? functionType(it) : typeOf(it))
    case 'F':
      return functionType(it)
    case 'A': {
      it.in.at += 1
      const size = it.in.peek('_') ? '' : String(it.in.number())
      it.in.expect('_')
      const { left, right } = typeOf(it)
      return { left, right: ` [${size}]${right.trimStart()}`, isOutside: true }
    }
    case 'M': {
      it.in.at += 1
      const of = textOf(typeOf(it))
      const member = typeOf(it)
      if (!member.isOutside) return { left: `${textOf(member)} ${of}::*`, right: '' }
      return { left: `${member.left} (${of}::*`, right: `)${member.right.trimStart()}` }
    }
    case 'T':
      return parameter(it)
    case 'U': {
      it.in.at += 1
      const word = it.in.source()
      return qualified(` ${word}`, typeOf(it))
    }
    case 'u':
      it.in.at += 1
      return { left: it.in.source(), right: '' }
    case 'G':
    case 'C':
      throw new Unread()
    default:
      return { left: it.rules.name(it).text, right: '' }
  }
}

function functionType(it: Reading): Type {
  const noexcept = it.in.eat('Do') ? ' noexcept' : ''
  it.in.expect('F')
  it.in.eat('Y')
  const { left, right } = typeOf(it)
  const parameters = parametersOf(it).replace(/, [RO]$/, '')
  const ref = it.in.eat('R') ? ' &' : it.in.eat('O') ? ' &&' : ''
  it.in.expect('E')
  return { left, right: ` (${parameters})${ref}${noexcept}${right}`, isOutside: true }
}

/** `Dp`: what follows, for each of a pack. */
function expanded(it: Reading): Type {
  it.in.expect('Dp')
  const pack = it.params.find((param) => param.pack !== undefined)?.pack
  const [at, before] = [it.in.at, it.subs.length]
  if (pack === undefined || it.packed !== undefined || it.lambdas > 0) {
    const only = textOf(typeOf(it))
    return { left: `${only}...`, right: '' }
  }
  const each: string[] = []
  for (let index = 0; index < Math.max(1, pack.length); index++) {
    it.in.at = at
    it.subs.length = before
    it.packed = index
    const text = textOf(typeOf(it))
    if (pack.length > 0) each.push(text)
  }
  it.packed = undefined
  return { left: it.in.told(each.join(', ')), right: '' }
}
