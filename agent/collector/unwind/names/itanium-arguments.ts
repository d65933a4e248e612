import { notOfFunction, type Reading } from './itanium-reading.ts'
import { LITERAL_SUFFIX, type Type, textOf } from './itanium-types.ts'
import { OPERATORS } from './itanium-words.ts'
import { Unread } from './mangled-text.ts'

/** A name with the arguments of its template behind it. */
export function withArguments(it: Reading, text: string): string {
  return it.in.told(`${text}${text.endsWith('<') ? ' ' : ''}${templateArguments(it)}`)
}

/** `<…>` */
export function templateArguments(it: Reading): string {
  it.in.expect('I')
  const args: Type[] = []
  notOfFunction(it, () => {
    while (!it.in.eat('E')) args.push(templateArgument(it))
  })
  if (it.isOfFunction) it.params = args
  const text = args
    .map(textOf)
    .filter((arg) => arg !== '')
    .join(', ')
  return it.in.told(`<${text}${text.endsWith('>') ? ' ' : ''}>`)
}

function templateArgument(it: Reading): Type {
  it.in.step()
  if (it.in.peek('L')) return { left: literal(it), right: '' }
  if (it.in.eat('X')) {
    const text = expression(it)
    it.in.expect('E')
    return { left: text, right: '' }
  }
  if (!it.in.eat('J')) return it.rules.type(it)
  const pack: Type[] = []
  while (!it.in.eat('E')) pack.push(templateArgument(it))
  return { left: it.in.told(pack.map(textOf).join(', ')), right: '', pack }
}

function literal(it: Reading): string {
  it.in.expect('L')
  if (it.in.eat('_Z') || it.in.eat('Z')) {
    const { text } = it.rules.name(it)
    // Which of several is not told.
    if (!it.in.peek('E')) notOfFunction(it, () => skipTypes(it))
    it.in.expect('E')
    return text
  }
  const code = it.in.text[it.in.at] ?? ''
  const type = textOf(it.rules.type(it))
  const [, sign = '', digits = ''] = /^(n?)(\w*?)(?=E)/.exec(it.in.text.slice(it.in.at)) ?? []
  it.in.at += sign.length + digits.length
  it.in.expect('E')
  const value = (sign && '-') + digits
  if (code === 'b') return value === '1' ? 'true' : 'false'
  if (value === '') return type
  const suffix = LITERAL_SUFFIX[code]
  return suffix === undefined ? `(${type})${value}` : value + suffix
}

function skipTypes(it: Reading): void {
  while (it.in.at < it.in.text.length && !it.in.peek('E')) it.rules.type(it)
}

/** The few that are arguments of templates in function's names; others leave the name as it is. */
function expression(it: Reading): string {
  return it.in.deeper(() => {
    if (it.in.peek('L')) return literal(it)
    if (it.in.peek('T')) return textOf(it.rules.type(it))
    if (it.in.eat('sr')) {
      const type = textOf(it.rules.type(it))
      const { text } = it.rules.unqualified(it, '')
      return `${type}::${text}${it.in.peek('I') ? templateArguments(it) : ''}`
    }
    if (it.in.eat('st')) return `sizeof (${textOf(it.rules.type(it))})`
    if (it.in.eat('sp')) return expression(it)
    const operator = OPERATORS[it.in.text.slice(it.in.at, it.in.at + 2)]
    const code = it.in.text.slice(it.in.at, it.in.at + 2)
    if (operator === undefined || !/^[^a-z]/.test(operator) || ['cl', 'ix', 'qu'].includes(code)) throw new Unread()
    it.in.at += 2
    if (code === 'ad' && it.in.peek('L')) return `&${literal(it)}`
    const first = expression(it)
    if (['nt', 'ng', 'ps', 'co', 'ad', 'de'].includes(code)) return it.in.told(`${operator}(${first})`)
    return it.in.told(`(${first})${operator}(${expression(it)})`)
  })
}
