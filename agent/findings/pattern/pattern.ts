import { cannot } from '../../words/cannot.ts'
import { type Node, parsePattern } from './syntax.ts'

/** Steps that a pattern has at most, each an instruction: what repeats a hundred times has as many. */
const MOST_STEPS = 256
/** Sets of steps that are kept: of a line, every character leads from one to the next. */
const MOST_SETS = 1024

type Step =
  | { readonly kind: 'one'; readonly has: (code: number) => boolean; readonly to: number }
  | { readonly kind: 'both'; readonly to: readonly number[] }
  | { readonly kind: 'begin' | 'end'; readonly to: number }
  | { readonly kind: 'found' }

/** Where a line may be at, in all ways at once. */
interface Places {
  readonly steps: readonly number[]
  readonly isFound: boolean
  /** Found, if the line ends here. */
  readonly isFoundAtEnd: boolean
  readonly next: Map<number, Places>
}

/**
 * A pattern that is looked for in a line in one pass, whatever both are: each character is one step for all ways that there are, so none makes it go back. Those of
 * the language go back, and some patterns never come to an end.
 */
export class Pattern {
  readonly source: string
  readonly #steps: Step[] = []
  readonly #isEitherCase: boolean
  readonly #known = new Map<string, Places>()
  readonly #first: number

  /** Throws what is wrong with it. */
  constructor(source: string) {
    const { root, isEitherCase } = parsePattern(source)
    this.source = source
    this.#isEitherCase = isEitherCase
    this.#first = this.#add(root, this.#step({ kind: 'found' }))
  }

  /** Whether it is anywhere in the text. */
  test(text: string): boolean {
    const line = this.#isEitherCase ? text.toLowerCase() : text
    let places = this.#places([this.#first], true)
    for (let at = 0; at < line.length && !places.isFound; at++) places = this.#after(places, line.charCodeAt(at))
    return places.isFound || places.isFoundAtEnd
  }

  #after(places: Places, code: number): Places {
    const known = places.next.get(code)
    if (known !== undefined) return known
    const reached = places.steps.flatMap((number) => {
      const step = this.#steps[number]
      return step?.kind === 'one' && this.#has(step, code) ? [step.to] : []
    })
    // It may begin at every character.
    const after = this.#places([...reached, this.#first], false)
    places.next.set(code, after)
    return after
  }

  #has({ has }: Step & { readonly kind: 'one' }, code: number): boolean {
    return has(code) || (this.#isEitherCase && code >= 0x61 && code <= 0x7a && has(code - 0x20))
  }

  /** All steps that are reached without a character. */
  #places(from: readonly number[], isBegin: boolean): Places {
    const found = this.#reached(from, isBegin, false)
    const steps = [...found].filter((number) => this.#steps[number]?.kind !== 'both').toSorted((a, b) => a - b)
    const key = `${isBegin} ${steps.join(' ')}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const isFound = this.#isIn(found)
    const isFoundAtEnd = isFound || this.#isIn(this.#reached(from, isBegin, true))
    const places = { steps, isFound, isFoundAtEnd, next: new Map() }
    if (this.#known.size >= MOST_SETS) this.#forget()
    this.#known.set(key, places)
    return places
  }

  #forget(): void {
    for (const { next } of this.#known.values()) next.clear()
    this.#known.clear()
  }

  #isIn = (steps: ReadonlySet<number>) => [...steps].some((number) => this.#steps[number]?.kind === 'found')

  #reached(from: readonly number[], isBegin: boolean, isEnd: boolean): ReadonlySet<number> {
    const reached = new Set(from)
    for (const number of reached) {
      const step = this.#steps[number]
      if (step?.kind === 'both') for (const to of step.to) reached.add(to)
      if (step?.kind === 'begin' && isBegin) reached.add(step.to)
      if (step?.kind === 'end' && isEnd) reached.add(step.to)
    }
    return reached
  }

  #step(step: Step): number {
    if (this.#steps.length >= MOST_STEPS)
      throw cannot(`read the pattern ${JSON.stringify(this.source)}`, 'it is too large')
    return this.#steps.push(step) - 1
  }

  /** The steps of a part, which lead on to `to`; gives the first. */
  #add(node: Node, to: number): number {
    switch (node.kind) {
      case 'begin':
      case 'end':
        return this.#step({ kind: node.kind, to })
      case 'one':
        return this.#step({ kind: 'one', has: node.has, to })
      case 'all':
        return node.of.reduceRight((after, part) => this.#add(part, after), to)
      case 'any':
        return this.#step({ kind: 'both', to: node.of.map((way) => this.#add(way, to)) })
      case 'times':
        return this.#times(node, to)
    }
  }

  #times({ of, least, most }: Node & { readonly kind: 'times' }, to: number): number {
    let after = to
    if (most === undefined) {
      const ways: number[] = []
      const loop = this.#step({ kind: 'both', to: ways })
      ways.push(this.#add(of, loop), to)
      after = loop
    } else
      for (let count = least; count < most; count++)
        after = this.#step({ kind: 'both', to: [this.#add(of, after), to] })
    for (let count = 0; count < least; count++) after = this.#add(of, after)
    return after
  }
}
