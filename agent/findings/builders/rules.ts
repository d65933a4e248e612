import type { Finding } from '../../bundle/schema.ts'
import type { Evidence } from '../evidence.ts'
import { growthBefore } from '../history.ts'
import { Pattern } from '../pattern/pattern.ts'
import { PLACES, type Rule, type Sign } from '../rule.ts'
import { type RuleText, readRules } from './schema.ts'

/** A rule of the image's builder, and the file that it looks at, if any. */
export interface BuildersRule extends Rule {
  readonly file?: string
}

/** Characters of a line of a file that are looked at. */
const LINE_LENGTH = 512
/** A number at the beginning of a file, or behind a name in it; kB as bytes. */
const NUMBER = /^\s*(-?\d{1,20}(?:\.\d{1,9})?)(?:\s+(kB))?/

/** The rules of a file of `rules.d`: RULES.md. Throws what is wrong with it. */
export function buildersRules(content: string): readonly BuildersRule[] {
  return readRules(content).map(([name, text]) => {
    const { kind, file, grew } = text
    const look =
      grew !== undefined ? growths(text) : text.pattern !== undefined ? lines(text, text.pattern) : numbers(text)
    return { name, kind, reason: 'The image’s builder says so.', look, ...(file !== undefined && { file }) }
  })
}

function lines({ pattern: _, ...text }: RuleText, pattern: Pattern): Rule['look'] {
  const { unit, file, times, within } = text
  const ofUnit = unit === undefined ? undefined : unitPattern(unit)
  if (file !== undefined)
    return ({ texts }) => {
      const found = (texts.get(file) ?? '').split('\n').filter((line) => pattern.test(line.slice(0, LINE_LENGTH)))
      return found.length < times ? [] : [{ ...signOf(text), count: found.length, evidence: placeOf(file) }]
    }
  return ({ lines: all, began }) => {
    const lately = all.filter(({ at, unit: of }) => at > began - within && at <= began && (ofUnit?.test(of) ?? true))
    const found = lately.filter((line) => pattern.test(line.text))
    return [...Map.groupBy(found, (line) => line.unit)]
      .filter(([, of]) => of.length >= times)
      .map(([of, those]) => {
        const at = Math.max(...those.map((line) => line.at))
        return { ...signOf(text), subject: { unit: of }, at, count: those.length, evidence: PLACES.journal }
      })
  }
}

function numbers(text: RuleText): Rule['look'] {
  const { file = '', field, above = Number.POSITIVE_INFINITY, below = Number.NEGATIVE_INFINITY } = text
  return ({ texts }: Pick<Evidence, 'texts'>) => {
    const number = numberIn(texts.get(file), field)
    return number === undefined || !(number > above || number < below)
      ? []
      : [{ ...signOf(text), evidence: placeOf(file) }]
  }
}

function growths(text: RuleText): Rule['look'] {
  const ofUnit = unitPattern(text.unit ?? '')
  return ({ history, began }) => {
    const units = new Set(
      (history?.memory ?? []).flatMap(({ unit }) => (unit !== undefined && ofUnit.test(unit) ? [unit] : [])),
    )
    return [...units].flatMap((unit) => {
      const memory = history?.memory.filter((series) => series.unit === unit) ?? []
      const grown = growthBefore({ memory }, began)
      if (grown === undefined || grown.to - grown.from < (text.grew ?? 0)) return []
      return [{ ...signOf(text), subject: { unit }, evidence: PLACES.groups }]
    })
  }
}

const signOf = ({ certainty, sentence }: RuleText): Omit<Sign, 'evidence'> => ({ certainty, sentence })

/** Files of the kernel are among the facts; what else there is, a person looks for by its name. */
const placeOf = (file: string): Finding['evidence'] =>
  /^\/(?:proc|sys)\//.test(file) ? [{ artifact: 'facts.tar.zst', entry: file.slice(1) }] : []

function numberIn(content: string | undefined, field: string | undefined): number | undefined {
  const lines = content?.split('\n') ?? []
  const named = (line: string) => /^(\S+?):?\s+(.*)$/.exec(line)
  const rest = field === undefined ? lines[0] : lines.map(named).find((match) => match?.[1] === field)?.[2]
  const [, number, unit] = NUMBER.exec(rest ?? '') ?? []
  return number === undefined ? undefined : Number(number) * (unit === undefined ? 1 : 1024)
}

/** `*` is any characters, `?` one. */
function unitPattern(unit: string): Pattern {
  const source = unit
    .replace(/[\\.[\](){}+^$|-]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new Pattern(`^${source}$`)
}
