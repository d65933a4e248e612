import { LITERAL_SUFFIX, pointerTo, qualified, referenceTo, type Type, textOf } from './itanium-types.ts'
import { BUILTIN, OPERATORS, STANDARD } from './itanium-words.ts'
import { MangledText, Unread } from './mangled-text.ts'

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
  readonly #in: MangledText
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
    this.#in = new MangledText(text)
  }

  whole(): string {
    const thunk = this.#thunk()
    const { text } = this.#name()
    // What it takes is not told, so it is not read.
    return thunk + text
  }

  #thunk(): string {
    const offset = () => {
      const kind = this.#in.next()
      this.#in.number()
      this.#in.expect('_')
      if (kind === 'v') {
        this.#in.number()
        this.#in.expect('_')
      } else if (kind !== 'h') throw new Unread()
      return kind
    }
    if (this.#in.eat('Tc')) {
      offset()
      offset()
      return 'covariant return thunk to '
    }
    if (this.#in.peek('Th') || this.#in.peek('Tv')) {
      this.#in.at += 1
      return offset() === 'h' ? 'non-virtual thunk to ' : 'virtual thunk to '
    }
    if (this.#in.eat('TW')) return 'TLS wrapper function for '
    return this.#in.eat('TH') ? 'TLS init function for ' : ''
  }

  /** A function with its parameters: where something local to it is named. */
  #encoding(): string {
    const { text, behind, hasTemplate, isSpecial } = this.#name()
    if (this.#in.peek('E') || this.#in.at >= this.#in.text.length) return text
    const wasOf = this.#isOfFunction
    this.#isOfFunction = false
    if (hasTemplate && !isSpecial) this.#type()
    const parameters = this.#parameters()
    this.#isOfFunction = wasOf
    return this.#in.told(`${text}(${parameters})${behind}`)
  }

  #name(): Name {
    return this.#in.deeper(() => {
      if (this.#in.peek('N')) return this.#nested()
      if (this.#in.peek('Z')) return this.#local()
      const name = this.#unscoped()
      if (!this.#in.peek('I')) return name
      if (!name.isSubstitution) this.#subs.push({ left: name.text, right: '' })
      return { ...name, text: this.#withArguments(name.text), hasTemplate: true }
    })
  }

  #unscoped(): Name & { isSubstitution: boolean } {
    if (this.#in.peek('S') && !this.#in.peek('St')) {
      const text = textOf(this.#substitution())
      return { ...PLAIN, text, isSubstitution: true }
    }
    const scope = this.#in.eat('St') ? 'std::' : ''
    const { text, isSpecial } = this.#unqualified('')
    return { ...PLAIN, text: scope + text, isSpecial, isSubstitution: false }
  }

  #nested(): Name {
    this.#in.expect('N')
    const quals = this.#in.qualifiers()
    const ref = this.#in.eat('R') ? ' &' : this.#in.eat('O') ? ' &&' : ''
    let [text, last, hasTemplate, isSpecial] = ['', '', false, false]
    while (!this.#in.eat('E')) {
      this.#in.step()
      if (this.#in.peek('I')) {
        text = this.#withArguments(text)
        hasTemplate = true
        this.#addUnlessEnd(text)
        continue
      }
      hasTemplate = false
      if (this.#in.eat('M')) continue
      if (text === '' && this.#in.peek('S') && !this.#in.peek('St')) {
        const { left, right, full } = this.#substitution()
        text = full ?? left + right
        last = lastOf(text)
        continue
      }
      if (text === '' && (this.#in.peek('T') || this.#in.peek('Dt') || this.#in.peek('DT'))) {
        text = textOf(this.#type())
        continue
      }
      const isStd = text === '' && this.#in.eat('St')
      const scope = isStd ? 'std' : text
      const part = this.#unqualified(last)
      isSpecial = part.isSpecial
      last = part.text
      text = this.#in.told(scope === '' ? part.text : `${scope}::${part.text}`)
      this.#addUnlessEnd(text)
    }
    if (text === '') throw new Unread()
    return { text, behind: quals + ref, hasTemplate, isSpecial }
  }

  #addUnlessEnd(text: string): void {
    if (!this.#in.peek('E')) this.#subs.push({ left: text, right: '' })
  }

  #local(): Name {
    this.#in.expect('Z')
    const [wasOf, params, lambdas, packed] = [this.#isOfFunction, this.#params, this.#lambdas, this.#packed]
    this.#isOfFunction = true
    this.#lambdas = 0
    this.#packed = undefined
    const outside = this.#encoding()
    this.#in.expect('E')
    this.#isOfFunction = wasOf
    this.#lambdas = lambdas
    this.#packed = packed
    const restored = <T>(value: T): T => {
      // What is local to a function that a type names means nothing outside of it.
      if (!wasOf) this.#params = params
      return value
    }
    if (this.#in.eat('s')) {
      this.#in.discriminator()
      return restored({ ...PLAIN, text: `${outside}::string literal` })
    }
    if (this.#in.eat('d')) {
      if (!this.#in.peek('_')) this.#in.number()
      this.#in.expect('_')
    }
    const inside = this.#name()
    this.#in.discriminator()
    return restored({ ...inside, text: this.#in.told(`${outside}::${inside.text}`) })
  }

  #unqualified(of: string): { text: string; isSpecial: boolean } {
    this.#in.step()
    this.#in.eat('L')
    let [text, isSpecial] = ['', false]
    const two = this.#in.text.slice(this.#in.at, this.#in.at + 2)
    if (/^\d/.test(two)) text = this.#in.source()
    else if (/^C[I1-5]/.test(two) || /^D[0-5]/.test(two)) {
      this.#in.at += 2
      if (two === 'CI') {
        this.#in.at += 1
        this.#type()
      }
      if (of === '') throw new Unread()
      text = `${two[0] === 'D' ? '~' : ''}${of.replace(/\[abi:.*$/, '')}`
      isSpecial = true
    } else if (two === 'Ut') text = `{unnamed type#${this.#in.countedAfter('Ut')}}`
    else if (two === 'Ul') text = this.#lambda()
    else if (two === 'DC') {
      this.#in.at += 2
      const names: string[] = []
      while (!this.#in.eat('E')) names.push(this.#in.source())
      text = `[${names.join(', ')}]`
    } else if (this.#in.eat('cv')) {
      const wasOf = this.#isOfFunction
      this.#isOfFunction = false
      text = `operator ${textOf(this.#type())}`
      this.#isOfFunction = wasOf
      isSpecial = true
    } else if (this.#in.eat('li')) text = `operator"" ${this.#in.source()}`
    else {
      const operator = OPERATORS[two]
      if (operator === undefined) throw new Unread()
      this.#in.at += 2
      text = `operator${/^[a-z]/.test(operator) ? ' ' : ''}${operator}`
    }
    while (this.#in.eat('B')) text += `[abi:${this.#in.source()}]`
    return { text, isSpecial }
  }

  #lambda(): string {
    this.#in.expect('Ul')
    this.#lambdas += 1
    const wasOf = this.#isOfFunction
    this.#isOfFunction = false
    const parameters = this.#parameters()
    this.#isOfFunction = wasOf
    this.#lambdas -= 1
    return `{lambda(${parameters})#${this.#in.countedAfter('E')}}`
  }

  #withArguments(text: string): string {
    return this.#in.told(`${text}${text.endsWith('<') ? ' ' : ''}${this.#templateArguments()}`)
  }

  #templateArguments(): string {
    this.#in.expect('I')
    const wasOf = this.#isOfFunction
    this.#isOfFunction = false
    const args: Type[] = []
    while (!this.#in.eat('E')) args.push(this.#templateArgument())
    this.#isOfFunction = wasOf
    if (wasOf) this.#params = args
    const text = args
      .map(textOf)
      .filter((arg) => arg !== '')
      .join(', ')
    return this.#in.told(`<${text}${text.endsWith('>') ? ' ' : ''}>`)
  }

  #templateArgument(): Type {
    this.#in.step()
    if (this.#in.peek('L')) return { left: this.#literal(), right: '' }
    if (this.#in.eat('X')) {
      const text = this.#expression()
      this.#in.expect('E')
      return { left: text, right: '' }
    }
    if (!this.#in.eat('J')) return this.#type()
    const pack: Type[] = []
    while (!this.#in.eat('E')) pack.push(this.#templateArgument())
    return { left: this.#in.told(pack.map(textOf).join(', ')), right: '', pack }
  }

  #literal(): string {
    this.#in.expect('L')
    if (this.#in.eat('_Z') || this.#in.eat('Z')) {
      const { text } = this.#name()
      // Which of several is not told.
      const wasOf = this.#isOfFunction
      this.#isOfFunction = false
      if (!this.#in.peek('E')) this.#skipTypes()
      this.#isOfFunction = wasOf
      this.#in.expect('E')
      return text
    }
    const code = this.#in.text[this.#in.at] ?? ''
    const type = textOf(this.#type())
    const [, sign = '', digits = ''] = /^(n?)(\w*?)(?=E)/.exec(this.#in.text.slice(this.#in.at)) ?? []
    this.#in.at += sign.length + digits.length
    this.#in.expect('E')
    const value = (sign && '-') + digits
    if (code === 'b') return value === '1' ? 'true' : 'false'
    if (value === '') return type
    const suffix = LITERAL_SUFFIX[code]
    return suffix === undefined ? `(${type})${value}` : value + suffix
  }

  #skipTypes(): void {
    while (this.#in.at < this.#in.text.length && !this.#in.peek('E')) this.#type()
  }

  /** The few that are arguments of templates in function's names; others leave the name as it is. */
  #expression(): string {
    return this.#in.deeper(() => {
      if (this.#in.peek('L')) return this.#literal()
      if (this.#in.peek('T')) return textOf(this.#type())
      if (this.#in.eat('sr')) {
        const type = textOf(this.#type())
        const { text } = this.#unqualified('')
        return `${type}::${text}${this.#in.peek('I') ? this.#templateArguments() : ''}`
      }
      if (this.#in.eat('st')) return `sizeof (${textOf(this.#type())})`
      if (this.#in.eat('sp')) return this.#expression()
      const operator = OPERATORS[this.#in.text.slice(this.#in.at, this.#in.at + 2)]
      const code = this.#in.text.slice(this.#in.at, this.#in.at + 2)
      if (operator === undefined || !/^[^a-z]/.test(operator) || ['cl', 'ix', 'qu'].includes(code)) throw new Unread()
      this.#in.at += 2
      if (code === 'ad' && this.#in.peek('L')) return `&${this.#literal()}`
      const first = this.#expression()
      if (['nt', 'ng', 'ps', 'co', 'ad', 'de'].includes(code)) return this.#in.told(`${operator}(${first})`)
      return this.#in.told(`(${first})${operator}(${this.#expression()})`)
    })
  }

  #parameters(): string {
    const types: string[] = []
    while (this.#in.at < this.#in.text.length && !this.#in.peek('E') && !this.#in.peek('.'))
      types.push(textOf(this.#type()))
    return this.#in.told(types.filter((type) => type !== 'void' && type !== '').join(', '))
  }

  #type(): Type {
    return this.#in.deeper(() => {
      const char = this.#in.text[this.#in.at] ?? ''
      const builtin = BUILTIN[char]
      if (builtin !== undefined) {
        this.#in.at += 1
        return { left: builtin, right: '' }
      }
      if (char === 'S' && !this.#in.peek('St')) {
        const known = this.#substitution()
        return this.#in.peek('I') ? this.#added({ left: textOf(known) + this.#templateArguments(), right: '' }) : known
      }
      if (char === 'D' && this.#in.text[this.#in.at + 1] === 'p') return this.#expanded()
      if (char === 'D') {
        const word = BUILTIN[this.#in.text.slice(this.#in.at, this.#in.at + 2)]
        if (word === undefined) return this.#added(this.#functionType())
        this.#in.at += 2
        return { left: word, right: '' }
      }
      return this.#added(this.#compound(char))
    })
  }

  #compound(char: string): Type {
    switch (char) {
      case 'P':
        this.#in.at += 1
        return pointerTo(this.#type())
      case 'R':
      case 'O':
        this.#in.at += 1
        return referenceTo(this.#type(), char === 'R' ? '&' : '&&')
      case 'K':
      case 'V':
      case 'r':
        return qualified(this.#in.qualifiers(), this.#in.peek('F') ? this.#functionType() : this.#type())
      case 'F':
        return this.#functionType()
      case 'A': {
        this.#in.at += 1
        const size = this.#in.peek('_') ? '' : String(this.#in.number())
        this.#in.expect('_')
        const { left, right } = this.#type()
        return { left, right: ` [${size}]${right.trimStart()}`, isOutside: true }
      }
      case 'M': {
        this.#in.at += 1
        const of = textOf(this.#type())
        const member = this.#type()
        if (!member.isOutside) return { left: `${textOf(member)} ${of}::*`, right: '' }
        return { left: `${member.left} (${of}::*`, right: `)${member.right.trimStart()}` }
      }
      case 'T':
        return this.#parameter()
      case 'U': {
        this.#in.at += 1
        const word = this.#in.source()
        return qualified(` ${word}`, this.#type())
      }
      case 'u':
        this.#in.at += 1
        return { left: this.#in.source(), right: '' }
      case 'G':
      case 'C':
        throw new Unread()
      default:
        return { left: this.#name().text, right: '' }
    }
  }

  #functionType(): Type {
    const noexcept = this.#in.eat('Do') ? ' noexcept' : ''
    this.#in.expect('F')
    this.#in.eat('Y')
    const { left, right } = this.#type()
    const parameters = this.#parameters().replace(/, [RO]$/, '')
    const ref = this.#in.eat('R') ? ' &' : this.#in.eat('O') ? ' &&' : ''
    this.#in.expect('E')
    return { left, right: ` (${parameters})${ref}${noexcept}${right}`, isOutside: true }
  }

  /** A template's parameter, as what it stands for. */
  #parameter(): Type {
    this.#in.expect('T')
    const index = this.#in.peek('_') ? 0 : this.#in.number() + 1
    this.#in.expect('_')
    if (this.#lambdas > 0) return { left: `auto:${index + 1}`, right: '' }
    const found = this.#params[index]
    if (found === undefined) throw new Unread()
    if (found.pack === undefined || this.#packed === undefined) return found
    return found.pack[this.#packed] ?? { left: '', right: '' }
  }

  /** `Dp`: what follows, for each of a pack. */
  #expanded(): Type {
    this.#in.expect('Dp')
    const pack = this.#params.find((param) => param.pack !== undefined)?.pack
    const [at, before] = [this.#in.at, this.#subs.length]
    if (pack === undefined || this.#packed !== undefined || this.#lambdas > 0) {
      const only = textOf(this.#type())
      return { left: `${only}...`, right: '' }
    }
    const each: string[] = []
    for (let index = 0; index < Math.max(1, pack.length); index++) {
      this.#in.at = at
      this.#subs.length = before
      this.#packed = index
      const text = textOf(this.#type())
      if (pack.length > 0) each.push(text)
    }
    this.#packed = undefined
    return { left: this.#in.told(each.join(', ')), right: '' }
  }

  #substitution(): Type {
    this.#in.expect('S')
    const standard = STANDARD[this.#in.text[this.#in.at] ?? '']
    if (standard !== undefined) {
      this.#in.at += 1
      const [left, full] = standard
      return { left, right: '', ...(full !== undefined && { full }) }
    }
    const [, digits = ''] = /^([0-9A-Z]*)_/.exec(this.#in.text.slice(this.#in.at, this.#in.at + 8)) ?? []
    this.#in.at += digits.length
    this.#in.expect('_')
    const found = this.#subs[digits === '' ? 0 : Number.parseInt(digits, 36) + 1]
    if (found === undefined) throw new Unread()
    return found
  }

  #added(type: Type): Type {
    this.#in.told(textOf(type))
    this.#subs.push(type)
    return type
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
