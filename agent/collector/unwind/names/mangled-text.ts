/** Characters of a name, and steps to it: templates within templates double with every ten bytes of a name that was made for it. */
const MOST_TEXT = 8192
const MOST_STEPS = 20_000
const MOST_DEPTH = 96

/** A name that is not of this form, or of a part of it that is not read here: it stays as it is. */
export class Unread extends Error {}

/** A mangled name as it is read, from its beginning on. */
export class MangledText {
  readonly text: string
  at = 0
  #steps = 0
  #depth = 0

  constructor(text: string) {
    this.text = text
  }

  readonly peek = (word: string) => this.text.startsWith(word, this.at)

  eat(word: string): boolean {
    const is = this.peek(word)
    if (is) this.at += word.length
    return is
  }

  expect(word: string): void {
    if (!this.eat(word)) throw new Unread()
  }

  next(): string {
    this.at += 1
    return this.text[this.at - 1] ?? ''
  }

  number(): number {
    const [digits = ''] = /^n?\d{1,9}/.exec(this.text.slice(this.at, this.at + 10)) ?? []
    if (digits === '') throw new Unread()
    this.at += digits.length
    return digits.startsWith('n') ? -Number(digits.slice(1)) : Number(digits)
  }

  source(): string {
    const length = this.number()
    if (length <= 0 || this.at + length > this.text.length) throw new Unread()
    this.at += length
    const text = this.text.slice(this.at - length, this.at)
    return /^_GLOBAL_[_.$]N/.test(text) ? '(anonymous namespace)' : text
  }

  /** `_` is the first, `0_` the second. */
  countedAfter(word: string): number {
    this.expect(word)
    const index = this.peek('_') ? 1 : this.number() + 2
    this.expect('_')
    return index
  }

  discriminator(): void {
    if (this.eat('__')) {
      this.number()
      this.expect('_')
    } else if (/^_\d/.test(this.text.slice(this.at, this.at + 2))) this.at += 2
  }

  qualifiers(): string {
    const [word = ''] = /^r?V?K?/.exec(this.text.slice(this.at)) ?? []
    this.at += word.length
    const has = (letter: string, text: string) => (word.includes(letter) ? ` ${text}` : '')
    return has('K', 'const') + has('V', 'volatile') + has('r', '__restrict')
  }

  step(): void {
    this.#steps += 1
    if (this.#steps > MOST_STEPS || this.at > this.text.length) throw new Unread()
  }

  deeper<T>(work: () => T): T {
    this.step()
    this.#depth += 1
    if (this.#depth > MOST_DEPTH) throw new Unread()
    const value = work()
    this.#depth -= 1
    return value
  }

  told(text: string): string {
    if (text.length > MOST_TEXT) throw new Unread()
    return text
  }
}
