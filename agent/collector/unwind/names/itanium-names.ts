import { withArguments } from './itanium-arguments.ts'
import { type Name, notOfFunction, type Reading, substitution } from './itanium-reading.ts'
import { parametersOf, typeOf } from './itanium-signature.ts'
import { textOf } from './itanium-types.ts'
import { OPERATORS } from './itanium-words.ts'
import { Unread } from './mangled-text.ts'

const PLAIN: Name = { text: '', behind: '', hasTemplate: false, isSpecial: false }

/** A function with its parameters: where something local to it is named. */
function encoding(it: Reading): string {
  const { text, behind, hasTemplate, isSpecial } = nameOf(it)
  if (it.in.peek('E') || it.in.at >= it.in.text.length) return text
  const parameters = notOfFunction(it, () => {
    if (hasTemplate && !isSpecial) typeOf(it)
    return parametersOf(it)
  })
  return it.in.told(`${text}(${parameters})${behind}`)
}

/** A name in all its forms. */
export function nameOf(it: Reading): Name {
  return it.in.deeper(() => {
    if (it.in.peek('N')) return nested(it)
    if (it.in.peek('Z')) return local(it)
    const name = unscoped(it)
    if (!it.in.peek('I')) return name
    if (!name.isSubstitution) it.subs.push({ left: name.text, right: '' })
    return { ...name, text: withArguments(it, name.text), hasTemplate: true }
  })
}

function unscoped(it: Reading): Name & { isSubstitution: boolean } {
  if (it.in.peek('S') && !it.in.peek('St')) {
    const text = textOf(substitution(it))
    return { ...PLAIN, text, isSubstitution: true }
  }
  const scope = it.in.eat('St') ? 'std::' : ''
  const { text, isSpecial } = unqualified(it, '')
  return { ...PLAIN, text: scope + text, isSpecial, isSubstitution: false }
}

function nested(it: Reading): Name {
  it.in.expect('N')
  const quals = it.in.qualifiers()
  const ref = it.in.eat('R') ? ' &' : it.in.eat('O') ? ' &&' : ''
  let [text, last, hasTemplate, isSpecial] = ['', '', false, false]
  while (!it.in.eat('E')) {
    it.in.step()
    if (it.in.peek('I')) {
      text = withArguments(it, text)
      hasTemplate = true
      addUnlessEnd(it, text)
      continue
    }
    hasTemplate = false
    if (it.in.eat('M')) continue
    if (text === '' && it.in.peek('S') && !it.in.peek('St')) {
      const { left, right, full } = substitution(it)
      text = full ?? left + right
      last = lastOf(text)
      continue
    }
    if (text === '' && (it.in.peek('T') || it.in.peek('Dt') || it.in.peek('DT'))) {
      text = textOf(typeOf(it))
      continue
    }
    const isStd = text === '' && it.in.eat('St')
    const scope = isStd ? 'std' : text
    const part = unqualified(it, last)
    isSpecial = part.isSpecial
    last = part.text
    text = it.in.told(scope === '' ? part.text : `${scope}::${part.text}`)
    addUnlessEnd(it, text)
  }
  if (text === '') throw new Unread()
  return { text, behind: quals + ref, hasTemplate, isSpecial }
}

function addUnlessEnd(it: Reading, text: string): void {
  if (!it.in.peek('E')) it.subs.push({ left: text, right: '' })
}

function local(it: Reading): Name {
  it.in.expect('Z')
  const [wasOf, params, lambdas, packed] = [it.isOfFunction, it.params, it.lambdas, it.packed]
  it.isOfFunction = true
  it.lambdas = 0
  it.packed = undefined
  const outside = encoding(it)
  it.in.expect('E')
  it.isOfFunction = wasOf
  it.lambdas = lambdas
  it.packed = packed
  const restored = <T>(value: T): T => {
    // What is local to a function that a type names means nothing outside of it.
    if (!wasOf) it.params = params
    return value
  }
  if (it.in.eat('s')) {
    it.in.discriminator()
    return restored({ ...PLAIN, text: `${outside}::string literal` })
  }
  if (it.in.eat('d')) {
    if (!it.in.peek('_')) it.in.number()
    it.in.expect('_')
  }
  const inside = nameOf(it)
  it.in.discriminator()
  return restored({ ...inside, text: it.in.told(`${outside}::${inside.text}`) })
}

/** A part of a name; `of` is the part before it, which constructors are called after. */
export function unqualified(it: Reading, of: string): { text: string; isSpecial: boolean } {
  it.in.step()
  it.in.eat('L')
  let [text, isSpecial] = ['', false]
  const two = it.in.text.slice(it.in.at, it.in.at + 2)
  if (/^\d/.test(two)) text = it.in.source()
  else if (/^C[I1-5]/.test(two) || /^D[0-5]/.test(two)) {
    it.in.at += 2
    if (two === 'CI') {
      it.in.at += 1
      typeOf(it)
    }
    if (of === '') throw new Unread()
    text = `${two[0] === 'D' ? '~' : ''}${of.replace(/\[abi:.*$/, '')}`
    isSpecial = true
  } else if (two === 'Ut') text = `{unnamed type#${it.in.countedAfter('Ut')}}`
  else if (two === 'Ul') text = lambdaOf(it)
  else if (two === 'DC') {
    it.in.at += 2
    const names: string[] = []
    while (!it.in.eat('E')) names.push(it.in.source())
    text = `[${names.join(', ')}]`
  } else if (it.in.eat('cv')) {
    text = `operator ${textOf(notOfFunction(it, () => typeOf(it)))}`
    isSpecial = true
  } else if (it.in.eat('li')) text = `operator"" ${it.in.source()}`
  else {
    const operator = OPERATORS[two]
    if (operator === undefined) throw new Unread()
    it.in.at += 2
    text = `operator${/^[a-z]/.test(operator) ? ' ' : ''}${operator}`
  }
  while (it.in.eat('B')) text += `[abi:${it.in.source()}]`
  return { text, isSpecial }
}

function lambdaOf(it: Reading): string {
  it.in.expect('Ul')
  it.lambdas += 1
  const parameters = notOfFunction(it, () => parametersOf(it))
  it.lambdas -= 1
  return `{lambda(${parameters})#${it.in.countedAfter('E')}}`
}

/** The last part of a name, without the arguments of its template. */
function lastOf(text: string): string {
  let depth = 0
  let from = 0
  let to = text.length
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    if ('<({'.includes(char) && depth++ === 0) to = at
    if ('>)}'.includes(char)) depth -= 1
    if (depth === 0 && text.startsWith('::', at)) {
      from = at + 2
      to = text.length
    }
  }
  return text.slice(from, Math.max(from, to))
}
