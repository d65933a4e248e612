/** Characters of a name, steps to it, and parts within parts: references back may double with each. */
const MOST_TEXT = 8192
const MOST_STEPS = 5_000
const MOST_DEPTH = 96

/** RFC 2603, "basic-type". */
const BASIC: Readonly<Record<string, string>> = {
  ...{
    a: 'i8',
    b: 'bool',
    c: 'char',
    d: 'f64',
    e: 'str',
    f: 'f32',
    h: 'u8',
    i: 'isize',
    j: 'usize',
    l: 'i32',
    m: 'u32',
  },
  ...{ n: 'i128', o: 'u128', s: 'i16', t: 'u16', u: '()', v: '...', x: 'i64', y: 'u64', z: '!', p: '_' },
}

class Unread extends Error {}

/** Reads a v0 name, behind its `_R`. */
export class RustReader {
  readonly #text: string
  #at = 0
  #steps = 0
  #depth = 0
  /** Lifetimes that the binders around have. */
  #bound = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Undefined where it is none. */
  whole(): string | undefined {
    try {
      return this.#path(true)
    } catch (error) {
      if (error instanceof Unread) return undefined
      throw error
    }
  }

  /** `isValue`: `::<` before the arguments, as in an expression. */
  #path(isValue: boolean): string {
    return this.#deeper(() => {
      switch (this.#next()) {
        case 'C': {
          this.#disambiguator()
          return this.#identifier()
        }
        case 'N': {
          const space = this.#next()
          const outside = this.#path(isValue)
          const index = this.#disambiguator()
          const name = this.#identifier()
          if (!/[A-Z]/.test(space)) return name === '' ? outside : `${outside}::${name}`
          const kind = space === 'C' ? 'closure' : space === 'S' ? 'shim' : space
          return `${outside}::{${kind}${name === '' ? '' : `:${name}`}#${index}}`
        }
        case 'M':
          this.#implPath()
          return `<${this.#type()}>`
        case 'X':
          this.#implPath()
          return `<${this.#type()} as ${this.#path(false)}>`
        case 'Y':
          return `<${this.#type()} as ${this.#path(false)}>`
        case 'I': {
          const of = this.#path(isValue)
          return `${of}${isValue ? '::' : ''}<${this.#until(() => this.#argument()).join(', ')}>`
        }
        case 'B':
          return this.#back(() => this.#path(isValue))
        default:
          throw new Unread()
      }
    })
  }

  #implPath(): void {
    this.#disambiguator()
    this.#path(false)
  }

  #argument(): string {
    if (this.#eat('L')) return this.#lifetime()
    return this.#eat('K') ? this.#constant() : this.#type()
  }

  #type(): string {
    return this.#deeper(() => {
      const char = this.#next()
      const basic = BASIC[char]
      if (basic !== undefined) return basic
      switch (char) {
        case 'R':
        case 'Q': {
          const lifetime = this.#eat('L') ? this.#lifetime() : "'_"
          const shown = lifetime === "'_" ? '' : `${lifetime} `
          return `&${shown}${char === 'Q' ? 'mut ' : ''}${this.#type()}`
        }
        case 'P':
          return `*const ${this.#type()}`
        case 'O':
          return `*mut ${this.#type()}`
        case 'A':
          return `[${this.#type()}; ${this.#constant()}]`
        case 'S':
          return `[${this.#type()}]`
        case 'T': {
          const types = this.#until(() => this.#type())
          return `(${types.join(', ')}${types.length === 1 ? ',' : ''})`
        }
        case 'F':
          return this.#binding(() => this.#function())
        case 'D': {
          const traits = this.#binding(() => this.#until(() => this.#dynamic()).join(' + '))
          if (!this.#eat('L')) throw new Unread()
          const lifetime = this.#lifetime()
          return `dyn ${traits}${lifetime === "'_" ? '' : ` + ${lifetime}`}`
        }
        case 'B':
          return this.#back(() => this.#type())
        default:
          this.#at -= 1
          return this.#path(false)
      }
    })
  }

  #function(): string {
    const unsafe = this.#eat('U') ? 'unsafe ' : ''
    const abi = this.#eat('K') ? `extern "${this.#eat('C') ? 'C' : this.#identifier().replaceAll('_', '-')}" ` : ''
    const types = this.#until(() => this.#type())
    const gives = this.#type()
    return `${unsafe}${abi}fn(${types.join(', ')})${gives === '()' ? '' : ` -> ${gives}`}`
  }

  #dynamic(): string {
    const path = this.#path(false)
    const bindings: string[] = []
    while (this.#eat('p')) bindings.push(`${this.#identifier()} = ${this.#type()}`)
    if (bindings.length === 0) return path
    return path.endsWith('>') ? `${path.slice(0, -1)}, ${bindings.join(', ')}>` : `${path}<${bindings.join(', ')}>`
  }

  #constant(): string {
    return this.#deeper(() => {
      if (this.#eat('B')) return this.#back(() => this.#constant())
      if (this.#eat('p')) return '_'
      const type = this.#next()
      const [, sign = '', digits = ''] = /^(n?)([0-9a-f]*)_/.exec(this.#text.slice(this.#at, this.#at + 64)) ?? []
      if (!/[abchijlmnostxy]/.test(type)) throw new Unread()
      this.#at += sign.length + digits.length
      if (!this.#eat('_')) throw new Unread()
      const value = BigInt(`0x${digits || '0'}`)
      if (type === 'b') return value === 1n ? 'true' : 'false'
      if (type === 'c') return `'\\u{${value.toString(16)}}'`
      return `${sign && '-'}${value}`
    })
  }

  #lifetime(): string {
    const index = this.#base62()
    if (index === 0) return "'_"
    const depth = this.#bound - index
    if (depth < 0) throw new Unread()
    return depth < 26 ? `'${String.fromCharCode(97 + depth)}` : `'_${depth}`
  }

  #binding(work: () => string): string {
    const count = this.#eat('G') ? this.#base62() + 1 : 0
    if (count > 100) throw new Unread()
    const names = Array.from(
      { length: count },
      (_, index) => `'${String.fromCharCode(97 + ((this.#bound + index) % 26))}`,
    )
    this.#bound += count
    const told = work()
    this.#bound -= count
    return count === 0 ? told : `for<${names.join(', ')}> ${told}`
  }

  #until(work: () => string): string[] {
    const all: string[] = []
    while (!this.#eat('E')) all.push(work())
    return all
  }

  /** What was written before, once more. */
  #back(work: () => string): string {
    const from = this.#at - 1
    const to = this.#base62()
    if (to >= from) throw new Unread()
    const at = this.#at
    this.#at = to
    const told = work()
    this.#at = at
    return told
  }

  #disambiguator(): number {
    return this.#eat('s') ? this.#base62() + 1 : 0
  }

  #identifier(): string {
    const isPuny = this.#eat('u')
    const [digits = ''] = /^(?:0|[1-9]\d{0,4})/.exec(this.#text.slice(this.#at, this.#at + 5)) ?? []
    if (digits === '') throw new Unread()
    this.#at += digits.length
    this.#eat('_')
    const from = this.#at
    this.#at += Number(digits)
    if (this.#at > this.#text.length) throw new Unread()
    const name = this.#text.slice(from, this.#at)
    return isPuny ? `punycode{${name}}` : name
  }

  /** `_` is 0, `0_` is 1. */
  #base62(): number {
    if (this.#eat('_')) return 0
    let value = 0
    while (!this.#eat('_')) {
      const char = this.#next()
      const digit = DIGITS.indexOf(char)
      value = value * 62 + digit
      if (digit < 0) throw new Unread()
    }
    return value + 1
  }

  #eat(char: string): boolean {
    const is = this.#text[this.#at] === char
    if (is) this.#at += 1
    return is
  }

  #next(): string {
    const char = this.#text[this.#at]
    if (char === undefined) throw new Unread()
    this.#at += 1
    return char
  }

  #deeper(work: () => string): string {
    this.#steps += 1
    this.#depth += 1
    if (this.#steps > MOST_STEPS || this.#depth > MOST_DEPTH) throw new Unread()
    const told = work()
    if (told.length > MOST_TEXT) throw new Unread()
    this.#depth -= 1
    return told
  }
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
