/** One small fault that could be in a file: what stands at `at` is `from`, and would be `to`. */
export interface Mutant {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly operator: Operator['name']
}

/** A mechanical way to make a fault. The pattern's groups, where it has some, are what `to` is made from. */
interface Operator {
  readonly name: 'condition turned' | 'comparison shifted' | 'bound removed' | 'await dropped' | 'constant changed'
  readonly pattern: RegExp
  readonly to: (match: RegExpExecArray) => string
}

/** Simple arguments: no parentheses but one level of them. */
const ARGUMENT = String.raw`((?:[^(),]|\([^()]*\))+)`
const SHIFTED: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }
const TURNED: Readonly<Record<string, string>> = { '===': '!==', '!==': '===', '&&': '||', '||': '&&', '??': '&&' }

const OPERATORS: readonly Operator[] = [
  {
    name: 'condition turned',
    pattern: / (===|!==|&&|\|\||\?\?) /g,
    to: ([, sign = '']) => ` ${TURNED[sign]} `,
  },
  { name: 'comparison shifted', pattern: / (<|<=|>|>=) (?![^\n]*=>)/g, to: ([, sign = '']) => ` ${SHIFTED[sign]} ` },
  {
    name: 'bound removed',
    pattern: new RegExp(String.raw`\bMath\.(?:min|max)\(${ARGUMENT}, ${ARGUMENT}\)`, 'g'),
    to: ([, first]) => `(${first})`,
  },
  {
    name: 'bound removed',
    pattern: new RegExp(String.raw`\bwithin\(${ARGUMENT}, ${ARGUMENT}\)`, 'g'),
    to: ([, , signal]) => `(${signal})`,
  },
  {
    name: 'bound removed',
    pattern: new RegExp(String.raw`\babandonable\(${ARGUMENT}, ${ARGUMENT}\)`, 'g'),
    to: ([, promise]) => `(${promise})`,
  },
  // As a statement: where a value is wanted, the missing one is seen by the types.
  { name: 'await dropped', pattern: /^( +)await (?=[a-zA-Z])/gm, to: ([, indent]) => `${indent}void ` },
  {
    name: 'constant changed',
    pattern: /(?<=[=:,(*/] )\d[\d_.]*(?=[\s,;)])/g,
    to: ([number = '']) => (Number(number.replaceAll('_', '')) === 0 ? '1' : `(${number} * 8)`),
  },
]

/** All mutants of a source text, in the order of their places. Comments, texts and types are left alone. */
export function mutantsOf(source: string): readonly Mutant[] {
  const code = withoutTexts(source)
  return OPERATORS.flatMap(({ name, pattern, to }) =>
    [...code.matchAll(pattern)].map((match): Mutant => {
      const from = source.slice(match.index, match.index + match[0].length)
      return { at: match.index, from, to: to(match as RegExpExecArray), operator: name }
    }),
  )
    .concat(turned(source, code))
    .filter(({ from, to }) => from !== to)
    .sort((a, b) => a.at - b.at)
}

/** Conditions of `if` and `while` as their contraries. */
function turned(source: string, code: string): readonly Mutant[] {
  return [...code.matchAll(/\b(?:if|while) \(/g)].map(({ index, 0: head }): Mutant => {
    const at = index + head.length
    let end = at
    for (let depth = 1; depth > 0 && end < code.length; end++) depth += { '(': 1, ')': -1 }[code[end] ?? ''] ?? 0
    const from = source.slice(at, end - 1)
    return { at, from, to: `!(${from})`, operator: 'condition turned' }
  })
}

/** The source with the fault in it. */
export function mutated(source: string, { at, from, to }: Mutant): string {
  return source.slice(0, at) + to + source.slice(at + from.length)
}

/** Comments, string literals and regular expressions as spaces of the same length, imports and interfaces too. */
function withoutTexts(source: string): string {
  const blank = (text: string) => text.replaceAll(/[^\n]/g, ' ')
  return source
    .replaceAll(
      /\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|(?<=[(=:,] |\()\/(?![/*])(?:\\.|[^/\\\n])+\/[a-z]*|`(?:\\.|\$\{|[^`\\])*`|\/\/[^\n]*/g,
      blank,
    )
    .replaceAll(/^import [\s\S]*?\n(?=\S|\n)/gm, blank)
    .replaceAll(/^(?:export )?(?:interface|type) [\s\S]*?\n(?=\S|\n)(?:\}\n)?/gm, blank)
}
