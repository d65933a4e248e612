import { LITERAL_SUFFIX, pointerTo, qualified, referenceTo, type Type, textOf } from './itanium-types.ts'
import { BUILTIN, OPERATORS, STANDARD } from './itanium-words.ts'

/** Characters of a name, and steps to it: templates within templates double with every ten bytes of a name that was made for it. */
const MOST_TEXT = 8192
const MOST_STEPS = 20_000
const MOST_DEPTH = 96

/** A name that is not of this form, or of a part of it that is not read here: it stays as it is. */
class Unread extends Error {}

/** The parts of a name: what is before its parameters, and what is told behind them. */
interface Name {
  readonly text: string
  /** `const`, `&`: of member functions. */
  readonly behind: string
  readonly hasTemplate: boolean
  /** Constructors, destructors and conversions say nothing of what they return. */
  readonly isSpecial: boolean
}

/**
 * A C++ function as people write it, without what it returns and takes: Itanium C++ ABI, 5.1 "External Names", as c++filt(1) shows it.
 * Undefined where the name is none of these, or too strange.
 */
export function cppName(mangled: string): string | undefined {
  const [, symbol = '', clone = ''] = /^(_Z[^.@]*)((?:\.[\w.]+)?)$/.exec(mangled) ?? []
  if (symbol === '') return undefined
  try {
    const name = new Reader(symbol.slice(2)).whole()
    return clone === '' ? name : `${name}${clone}`
  } catch (error) {
    if (error instanceof Unread || error instanceof RangeError) return undefined
    throw error
  }
}

class Reader {
  readonly #text: string
  #at = 0
  #steps = 0
  #depth = 0
  /** What `S_`, `S0_`, … stand for. */
  readonly #subs: Type[] = []
  /** What `T_`, `T0_`, … stand for: the arguments of the template whose function this is. */
  #params: readonly Type[] = []
  /** Whether template arguments that are read now are those of the function itself. */
  #isOfFunction = true
  /** In a lambda's parameters, `T_` is its own `auto`. */
  #lambdas = 0
  /** Which of a pack stands for it. */
  #packed: number | undefined

  constructor(text: string) {
    this.#text = text
  }

  whole(): string {
    const thunk = this.#thunk()
    const { text } = this.#name()
    // What it takes is not told, so it is not read.
    return thunk + text
  }

  #thunk(): string {
    const offset = () => {
      const kind = this.#next()
      this.#number()
      this.#expect('_')
      if (kind === 'v') {
        this.#number()
        this.#expect('_')
      } else if (kind !== 'h') throw new Unread()
      return kind
    }
    if (this.#eat('Tc')) {
      offset()
      offset()
      return 'covariant return thunk to '
    }
    if (this.#peek('Th') || this.#peek('Tv')) {
      this.#at += 1
      return offset() === 'h' ? 'non-virtual thunk to ' : 'virtual thunk to '
    }
    if (this.#eat('TW')) return 'TLS wrapper function for '
    return this.#eat('TH') ? 'TLS init function for ' : ''
  }

  /** A function with its parameters: where something local to it is named. */
  #encoding(): string {
    const { text, behind, hasTemplate, isSpecial } = this.#name()
    if (this.#peek('E') || this.#at >= this.#text.length) return text
    const wasOf = this.#isOfFunction
    this.#isOfFunction = false
    if (hasTemplate && !isSpecial) this.#type()
    const parameters = this.#parameters()
    this.#isOfFunction = wasOf
    return this.#told(`${text}(${parameters})${behind}`)
  }

  #name(): Name {
    return this.#deeper(() => {
      if (this.#peek('N')) return this.#nested()
      if (this.#peek('Z')) return this.#local()
      const name = this.#unscoped()
      if (!this.#peek('I')) return name
      if (!name.isSubstitution) this.#subs.push({ left: name.text, right: '' })
      return { ...name, text: this.#withArguments(name.text), hasTemplate: true }
    })
  }

  #unscoped(): Name & { isSubstitution: boolean } {
    if (this.#peek('S') && !this.#peek('St')) {
      const text = textOf(this.#substitution())
      return { ...PLAIN, text, isSubstitution: true }
    }
    const scope = this.#eat('St') ? 'std::' : ''
    const { text, isSpecial } = this.#unqualified('')
    return { ...PLAIN, text: scope + text, isSpecial, isSubstitution: false }
  }

  #nested(): Name {
    this.#expect('N')
    const quals = this.#qualifiers()
    const ref = this.#eat('R') ? ' &' : this.#eat('O') ? ' &&' : ''
    let [text, last, hasTemplate, isSpecial] = ['', '', false, false]
    while (!this.#eat('E')) {
      this.#step()
      if (this.#peek('I')) {
        text = this.#withArguments(text)
        hasTemplate = true
        this.#addUnlessEnd(text)
        continue
      }
      hasTemplate = false
      if (this.#eat('M')) continue
      if (text === '' && this.#peek('S') && !this.#peek('St')) {
        const { left, right, full } = this.#substitution()
        text = full ?? left + right
        last = lastOf(text)
        continue
      }
      if (text === '' && (this.#peek('T') || this.#peek('Dt') || this.#peek('DT'))) {
        text = textOf(this.#type())
        continue
      }
      const isStd = text === '' && this.#eat('St')
      const scope = isStd ? 'std' : text
      const part = this.#unqualified(last)
      isSpecial = part.isSpecial
      last = part.text
      text = this.#told(scope === '' ? part.text : `${scope}::${part.text}`)
      this.#addUnlessEnd(text)
    }
    if (text === '') throw new Unread()
    return { text, behind: quals + ref, hasTemplate, isSpecial }
  }

  #addUnlessEnd(text: string): void {
    if (!this.#peek('E')) this.#subs.push({ left: text, right: '' })
  }

  #local(): Name {
    this.#expect('Z')
    const [wasOf, params, lambdas, packed] = [this.#isOfFunction, this.#params, this.#lambdas, this.#packed]
    this.#isOfFunction = true
    this.#lambdas = 0
    this.#packed = undefined
    const outside = this.#encoding()
    this.#expect('E')
    this.#isOfFunction = wasOf
    this.#lambdas = lambdas
    this.#packed = packed
    const restored = <T>(value: T): T => {
      // What is local to a function that a type names means nothing outside of it.
      if (!wasOf) this.#params = params
      return value
    }
    if (this.#eat('s')) {
      this.#discriminator()
      return restored({ ...PLAIN, text: `${outside}::string literal` })
    }
    if (this.#eat('d')) {
      if (!this.#peek('_')) this.#number()
      this.#expect('_')
    }
    const inside = this.#name()
    this.#discriminator()
    return restored({ ...inside, text: this.#told(`${outside}::${inside.text}`) })
  }

  #discriminator(): void {
    if (this.#eat('__')) {
      this.#number()
      this.#expect('_')
    } else if (/^_\d/.test(this.#text.slice(this.#at, this.#at + 2))) this.#at += 2
  }

  #unqualified(of: string): { text: string; isSpecial: boolean } {
    this.#step()
    this.#eat('L')
    let [text, isSpecial] = ['', false]
    const two = this.#text.slice(this.#at, this.#at + 2)
    if (/^\d/.test(two)) text = this.#source()
    else if (/^C[I1-5]/.test(two) || /^D[0-5]/.test(two)) {
      this.#at += 2
      if (two === 'CI') {
        this.#at += 1
        this.#type()
      }
      if (of === '') throw new Unread()
      text = `${two[0] === 'D' ? '~' : ''}${of.replace(/\[abi:.*$/, '')}`
      isSpecial = true
    } else if (two === 'Ut') text = `{unnamed type#${this.#countedAfter('Ut')}}`
    else if (two === 'Ul') text = this.#lambda()
    else if (two === 'DC') {
      this.#at += 2
      const names: string[] = []
      while (!this.#eat('E')) names.push(this.#source())
      text = `[${names.join(', ')}]`
    } else if (this.#eat('cv')) {
      const wasOf = this.#isOfFunction
      this.#isOfFunction = false
      text = `operator ${textOf(this.#type())}`
      this.#isOfFunction = wasOf
      isSpecial = true
    } else if (this.#eat('li')) text = `operator"" ${this.#source()}`
    else {
      const operator = OPERATORS[two]
      if (operator === undefined) throw new Unread()
      this.#at += 2
      text = `operator${/^[a-z]/.test(operator) ? ' ' : ''}${operator}`
    }
    while (this.#eat('B')) text += `[abi:${this.#source()}]`
    return { text, isSpecial }
  }

  #lambda(): string {
    this.#expect('Ul')
    this.#lambdas += 1
    const wasOf = this.#isOfFunction
    this.#isOfFunction = false
    const parameters = this.#parameters()
    this.#isOfFunction = wasOf
    this.#lambdas -= 1
    return `{lambda(${parameters})#${this.#countedAfter('E')}}`
  }

  /** `_` is the first, `0_` the second. */
  #countedAfter(word: string): number {
    this.#expect(word)
    const index = this.#peek('_') ? 1 : this.#number() + 2
    this.#expect('_')
    return index
  }

  #source(): string {
    const length = this.#number()
    if (length <= 0 || this.#at + length > this.#text.length) throw new Unread()
    this.#at += length
    const text = this.#text.slice(this.#at - length, this.#at)
    return /^_GLOBAL_[_.$]N/.test(text) ? '(anonymous namespace)' : text
  }

  #withArguments(text: string): string {
    return this.#told(`${text}${text.endsWith('<') ? ' ' : ''}${this.#templateArguments()}`)
  }

  #templateArguments(): string {
    this.#expect('I')
    const wasOf = this.#isOfFunction
    this.#isOfFunction = false
    const args: Type[] = []
    while (!this.#eat('E')) args.push(this.#templateArgument())
    this.#isOfFunction = wasOf
    if (wasOf) this.#params = args
    const text = args
      .map(textOf)
      .filter((arg) => arg !== '')
      .join(', ')
    return this.#told(`<${text}${text.endsWith('>') ? ' ' : ''}>`)
  }

  #templateArgument(): Type {
    this.#step()
    if (this.#peek('L')) return { left: this.#literal(), right: '' }
    if (this.#eat('X')) {
      const text = this.#expression()
      this.#expect('E')
      return { left: text, right: '' }
    }
    if (!this.#eat('J')) return this.#type()
    const pack: Type[] = []
    while (!this.#eat('E')) pack.push(this.#templateArgument())
    return { left: this.#told(pack.map(textOf).join(', ')), right: '', pack }
  }

  #literal(): string {
    this.#expect('L')
    if (this.#eat('_Z') || this.#eat('Z')) {
      const { text } = this.#name()
      // Which of several is not told.
      const wasOf = this.#isOfFunction
      this.#isOfFunction = false
      if (!this.#peek('E')) this.#skipTypes()
      this.#isOfFunction = wasOf
      this.#expect('E')
      return text
    }
    const code = this.#text[this.#at] ?? ''
    const type = textOf(this.#type())
    const [, sign = '', digits = ''] = /^(n?)(\w*?)(?=E)/.exec(this.#text.slice(this.#at)) ?? []
    this.#at += sign.length + digits.length
    this.#expect('E')
    const value = (sign && '-') + digits
    if (code === 'b') return value === '1' ? 'true' : 'false'
    if (value === '') return type
    const suffix = LITERAL_SUFFIX[code]
    return suffix === undefined ? `(${type})${value}` : value + suffix
  }

  #skipTypes(): void {
    while (this.#at < this.#text.length && !this.#peek('E')) this.#type()
  }

  /** The few that are arguments of templates in function's names; others leave the name as it is. */
  #expression(): string {
    return this.#deeper(() => {
      if (this.#peek('L')) return this.#literal()
      if (this.#peek('T')) return textOf(this.#type())
      if (this.#eat('sr')) {
        const type = textOf(this.#type())
        const { text } = this.#unqualified('')
        return `${type}::${text}${this.#peek('I') ? this.#templateArguments() : ''}`
      }
      if (this.#eat('st')) return `sizeof (${textOf(this.#type())})`
      if (this.#eat('sp')) return this.#expression()
      const operator = OPERATORS[this.#text.slice(this.#at, this.#at + 2)]
      const code = this.#text.slice(this.#at, this.#at + 2)
      if (operator === undefined || !/^[^a-z]/.test(operator) || ['cl', 'ix', 'qu'].includes(code)) throw new Unread()
      this.#at += 2
      if (code === 'ad' && this.#peek('L')) return `&${this.#literal()}`
      const first = this.#expression()
      if (['nt', 'ng', 'ps', 'co', 'ad', 'de'].includes(code)) return this.#told(`${operator}(${first})`)
      return this.#told(`(${first})${operator}(${this.#expression()})`)
    })
  }

  #parameters(): string {
    const types: string[] = []
    while (this.#at < this.#text.length && !this.#peek('E') && !this.#peek('.')) types.push(textOf(this.#type()))
    return this.#told(types.filter((type) => type !== 'void' && type !== '').join(', '))
  }

  #qualifiers(): string {
    const [word = ''] = /^r?V?K?/.exec(this.#text.slice(this.#at)) ?? []
    this.#at += word.length
    const has = (letter: string, text: string) => (word.includes(letter) ? ` ${text}` : '')
    return has('K', 'const') + has('V', 'volatile') + has('r', '__restrict')
  }

  #type(): Type {
    return this.#deeper(() => {
      const char = this.#text[this.#at] ?? ''
      const builtin = BUILTIN[char]
      if (builtin !== undefined) {
        this.#at += 1
        return { left: builtin, right: '' }
      }
      if (char === 'S' && !this.#peek('St')) {
        const known = this.#substitution()
        return this.#peek('I') ? this.#added({ left: textOf(known) + this.#templateArguments(), right: '' }) : known
      }
      if (char === 'D' && this.#text[this.#at + 1] === 'p') return this.#expanded()
      if (char === 'D') {
        const word = BUILTIN[this.#text.slice(this.#at, this.#at + 2)]
        if (word === undefined) return this.#added(this.#functionType())
        this.#at += 2
        return { left: word, right: '' }
      }
      return this.#added(this.#compound(char))
    })
  }

  #compound(char: string): Type {
    switch (char) {
      case 'P':
        this.#at += 1
        return pointerTo(this.#type())
      case 'R':
      case 'O':
        this.#at += 1
        return referenceTo(this.#type(), char === 'R' ? '&' : '&&')
      case 'K':
      case 'V':
      case 'r':
        return qualified(this.#qualifiers(), this.#peek('F') ? this.#functionType() : this.#type())
      case 'F':
        return this.#functionType()
      case 'A': {
        this.#at += 1
        const size = this.#peek('_') ? '' : String(this.#number())
        this.#expect('_')
        const { left, right } = this.#type()
        return { left, right: ` [${size}]${right.trimStart()}`, isOutside: true }
      }
      case 'M': {
        this.#at += 1
        const of = textOf(this.#type())
        const member = this.#type()
        if (!member.isOutside) return { left: `${textOf(member)} ${of}::*`, right: '' }
        return { left: `${member.left} (${of}::*`, right: `)${member.right.trimStart()}` }
      }
      case 'T':
        return this.#parameter()
      case 'U': {
        this.#at += 1
        const word = this.#source()
        return qualified(` ${word}`, this.#type())
      }
      case 'u':
        this.#at += 1
        return { left: this.#source(), right: '' }
      case 'G':
      case 'C':
        throw new Unread()
      default:
        return { left: this.#name().text, right: '' }
    }
  }

  #functionType(): Type {
    const noexcept = this.#eat('Do') ? ' noexcept' : ''
    this.#expect('F')
    this.#eat('Y')
    const { left, right } = this.#type()
    const parameters = this.#parameters().replace(/, [RO]$/, '')
    const ref = this.#eat('R') ? ' &' : this.#eat('O') ? ' &&' : ''
    this.#expect('E')
    return { left, right: ` (${parameters})${ref}${noexcept}${right}`, isOutside: true }
  }

  /** A template's parameter, as what it stands for. */
  #parameter(): Type {
    this.#expect('T')
    const index = this.#peek('_') ? 0 : this.#number() + 1
    this.#expect('_')
    if (this.#lambdas > 0) return { left: `auto:${index + 1}`, right: '' }
    const found = this.#params[index]
    if (found === undefined) throw new Unread()
    if (found.pack === undefined || this.#packed === undefined) return found
    return found.pack[this.#packed] ?? { left: '', right: '' }
  }

  /** `Dp`: what follows, for each of a pack. */
  #expanded(): Type {
    this.#expect('Dp')
    const pack = this.#params.find((param) => param.pack !== undefined)?.pack
    const [at, before] = [this.#at, this.#subs.length]
    if (pack === undefined || this.#packed !== undefined || this.#lambdas > 0) {
      const only = textOf(this.#type())
      return { left: `${only}...`, right: '' }
    }
    const each: string[] = []
    for (let index = 0; index < Math.max(1, pack.length); index++) {
      this.#at = at
      this.#subs.length = before
      this.#packed = index
      const text = textOf(this.#type())
      if (pack.length > 0) each.push(text)
    }
    this.#packed = undefined
    return { left: this.#told(each.join(', ')), right: '' }
  }

  #substitution(): Type {
    this.#expect('S')
    const standard = STANDARD[this.#text[this.#at] ?? '']
    if (standard !== undefined) {
      this.#at += 1
      const [left, full] = standard
      return { left, right: '', ...(full !== undefined && { full }) }
    }
    const [, digits = ''] = /^([0-9A-Z]*)_/.exec(this.#text.slice(this.#at, this.#at + 8)) ?? []
    this.#at += digits.length
    this.#expect('_')
    const found = this.#subs[digits === '' ? 0 : Number.parseInt(digits, 36) + 1]
    if (found === undefined) throw new Unread()
    return found
  }

  #added(type: Type): Type {
    this.#told(textOf(type))
    this.#subs.push(type)
    return type
  }

  #number(): number {
    const [digits = ''] = /^n?\d{1,9}/.exec(this.#text.slice(this.#at, this.#at + 10)) ?? []
    if (digits === '') throw new Unread()
    this.#at += digits.length
    return digits.startsWith('n') ? -Number(digits.slice(1)) : Number(digits)
  }

  #peek = (word: string) => this.#text.startsWith(word, this.#at)

  #eat(word: string): boolean {
    const is = this.#peek(word)
    if (is) this.#at += word.length
    return is
  }

  #expect(word: string): void {
    if (!this.#eat(word)) throw new Unread()
  }

  #next(): string {
    this.#at += 1
    return this.#text[this.#at - 1] ?? ''
  }

  #step(): void {
    this.#steps += 1
    if (this.#steps > MOST_STEPS || this.#at > this.#text.length) throw new Unread()
  }

  #deeper<T>(work: () => T): T {
    this.#step()
    this.#depth += 1
    if (this.#depth > MOST_DEPTH) throw new Unread()
    const value = work()
    this.#depth -= 1
    return value
  }

  #told(text: string): string {
    if (text.length > MOST_TEXT) throw new Unread()
    return text
  }
}

const PLAIN: Name = { text: '', behind: '', hasTemplate: false, isSpecial: false }

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
