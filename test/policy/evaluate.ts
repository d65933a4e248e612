import type { Conditions, Policy, Statement } from '../../agent/policy/statement.ts'

/** What a request asks for, as policies see it. */
export interface Asked {
  /** `s3:PutObject` */
  readonly action: string
  /** ARN of the object or the bucket. */
  readonly resource: string
  /** Condition keys and variables that the request has. */
  readonly context: Readonly<Record<string, string>>
}

/** `denied`: a statement says so, and nothing can allow it. `unallowed`: no statement allows it. */
export type Decision = 'allowed' | 'denied' | 'unallowed'

/**
 * Decides as AWS documents it for one account (IAM User Guide, "Policy evaluation logic"): an explicit deny wins, else one
 * statement that allows is enough, of the bucket's policy or the role's. Knows what the printed policies use; anything else
 * is an error, so that none of it goes unjudged.
 */
export function evaluate(policies: readonly Policy[], asked: Asked): Decision {
  const effects = policies
    .flatMap(({ Statement }) => Statement)
    .filter((statement) => applies(statement, asked))
    .map(({ Effect }) => Effect)
  return effects.includes('Deny') ? 'denied' : effects.includes('Allow') ? 'allowed' : 'unallowed'
}

const KNOWN = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'])

function applies(statement: Statement, { action, resource, context }: Asked): boolean {
  const unknown = Object.keys(statement).filter((key) => !KNOWN.has(key))
  if (unknown.length > 0) throw new Error(`cannot judge a statement with ${unknown.join(', ')}`)
  return (
    statement.Action.some((pattern) => like(pattern, action, context, 'i')) &&
    statement.Resource.some((pattern) => like(pattern, resource, context)) &&
    holds(statement.Condition ?? {}, context)
  )
}

function holds(conditions: Conditions, context: Asked['context']): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) =>
      values.some((value) => holdsFor(operator, context[key], value, context)),
    ),
  )
}

/** One operator on one key and value. A key that the request lacks matches nothing but `Null` and `…IfExists`. */
function holdsFor(operator: string, has: string | undefined, value: string, context: Asked['context']): boolean {
  switch (operator) {
    case 'Null':
      return (has === undefined) === (value === 'true')
    case 'BoolIfExists':
      return has === undefined || has === value
    case 'Bool':
    case 'StringEquals':
      return has === value
    case 'StringLike':
      return has !== undefined && like(value, has, context)
    default:
      throw new Error(`cannot judge the operator ${operator}`)
  }
}

/**
 * Whether a text matches a pattern: `*` is any characters (slashes too), `?` one of them, `${key}` the request's value for
 * the key, taken literally. A variable without a value matches nothing.
 */
function like(pattern: string, text: string, context: Asked['context'], flags = ''): boolean {
  let known = true
  const source = pattern.replaceAll(/\$\{([^}]*)\}|[\s\S]/g, (one, key: string | undefined) => {
    if (key !== undefined) {
      known &&= context[key] !== undefined
      return RegExp.escape(context[key] ?? '')
    }
    return one === '*' ? '[^]*' : one === '?' ? '[^]' : RegExp.escape(one)
  })
  return known && new RegExp(`^(?:${source})$`, flags).test(text)
}
