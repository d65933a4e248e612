import { parse, TomlError } from 'smol-toml'
import * as z from 'zod/mini'
import { sentence } from '../../words/cannot.ts'
import { isPlain } from '../../words/plain.ts'
import { parseBytes, parseDuration } from '../../words/units.ts'
import { Pattern } from '../pattern/pattern.ts'

/** Rules of one file. */
export const MOST_RULES = 32
/** Characters of a sentence: a line of a terminal, and another one. */
const SENTENCE = 160
/** No more is remembered of what services have logged (collector/witnesses/log-lines.ts). */
const MOST_WITHIN = 10 * 60_000

const text = (most: number) =>
  z.string().check(z.minLength(1), z.maxLength(most), z.refine(isPlain, 'text that can be seen'))
const pattern = z.pipe(
  z.string(),
  z.transform((source, payload) => attempted(() => new Pattern(source), payload)),
)
const path = z.string().check(z.regex(/^\/[^\0*?]*[^\0*?/]$/, 'an absolute path without wildcards'), z.maxLength(512))
const unit = z.string().check(z.regex(/^[\w.@:*?\\-]{1,255}$/, 'the name of a unit; * and ? stand for others'))
const bytes = z.pipe(
  z.union([z.string(), z.number()]),
  z.transform((value, payload) => (typeof value === 'number' ? value : attempted(() => parseBytes(value), payload))),
)
const within = z.pipe(
  z.string(),
  z.transform((value, payload) => attempted(() => parseDuration(value), payload)),
)

const rule = z.strictObject({
  kind: z.enum(['hang', 'exhausted', 'failed']),
  sentence: text(SENTENCE),
  certainty: z._default(z.enum(['certain', 'likely']), 'likely'),
  /** Whose lines, or whose history. */
  unit: z.optional(unit),
  /** In lines of services, or of the file. */
  pattern: z.optional(pattern),
  file: z.optional(path),
  times: z._default(z.int().check(z.gte(1), z.lte(1000)), 1),
  within: z._default(within.check(z.gte(1000), z.lte(MOST_WITHIN)), MOST_WITHIN as never),
  /** Of a file with a name and a number in each line, as /proc/meminfo. */
  field: z.optional(z.string().check(z.regex(/^[\w().-]{1,64}$/, 'a name without blanks'))),
  above: z.optional(bytes),
  below: z.optional(bytes),
  /** In the history: by how much memory has grown. */
  grew: z.optional(bytes),
})

export type RuleText = z.output<typeof rule>

const file = z.strictObject({
  rules: z.record(z.string().check(z.regex(/^[a-z][a-z0-9-]{0,63}$/, 'a name of a-z, 0-9 and -')), rule),
})

function attempted<T>(make: () => T, payload: z.core.ParsePayload): T {
  try {
    return make()
  } catch (error) {
    payload.issues.push({ code: 'custom', message: sentence(error), input: payload.value })
    return z.NEVER
  }
}

/** The rules that a file of TOML has, by name. Throws a sentence that says what is wrong with it, and nothing of it holds then. */
export function readRules(content: string): readonly (readonly [string, RuleText])[] {
  const parsed = z.safeParse(file, parsedToml(content), { jitless: true })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new Error(issue === undefined ? 'it has no rules' : `${issue.path.join('.')}: ${wrongIn(issue)}`)
  }
  const rules = Object.entries(parsed.data.rules)
  if (rules.length > MOST_RULES) throw new Error(`it has ${rules.length} rules, and at most ${MOST_RULES} are read`)
  for (const [name, one] of rules) {
    const why = contradiction(one)
    if (why !== undefined) throw new Error(`rules.${name}: ${why}`)
  }
  return rules
}

function wrongIn(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `unknown key ${JSON.stringify(issue.keys[0]?.slice(0, 64))}`
  if (issue.code === 'invalid_value')
    return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`
  if (issue.code === 'invalid_type')
    return `expected ${issue.expected === 'object' ? 'a table' : `a ${issue.expected}`}`
  if (issue.code === 'too_big') return `at most ${issue.maximum}`
  return issue.code === 'too_small' ? `at least ${issue.minimum}` : issue.message
}

function parsedToml(content: string): unknown {
  try {
    return parse(content, { unsafeKeyBehaviour: 'throw' })
  } catch (thrown) {
    // Only the sentence: the rest quotes lines of the file.
    if (thrown instanceof TomlError) throw new Error(`not TOML: line ${thrown.line}: ${thrown.message.split('\n')[0]}`)
    throw thrown
  }
}

/** What does not go together. */
function contradiction({ pattern, file, field, above, below, grew, unit }: RuleText): string | undefined {
  const forms = [pattern, above ?? below, grew].filter((form) => form !== undefined).length
  if (forms !== 1) return 'it has either a pattern, or above or below, or grew'
  if ((above !== undefined || below !== undefined) && file === undefined)
    return 'above and below are of a number in a file'
  if (field !== undefined && pattern !== undefined) return 'a field is of above and below'
  if (grew !== undefined && (unit === undefined || file !== undefined)) return 'grew is of a unit, in the history'
  return pattern !== undefined && file !== undefined && unit !== undefined ? 'a file’s lines are of no unit' : undefined
}
