import * as z from 'zod/mini'
import { descriptions } from './kinds.ts'
import { schema } from './schema.ts'

/** The parts of JSON Schema that settings need. */
interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, Node>>
}

/** A settings file as JSON Schema 2020-12; settings.schema.json holds it for editors. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...node } = z.toJSONSchema(schema, { io: 'input', metadata: descriptions })
  return { $schema, title: 'lastgasp settings', ...node }
}

export interface KeyDescription {
  /** Dotted: `seal.recipients`. */
  readonly key: string
  readonly description: string
  /** As people write it; undefined where there is none. */
  readonly fallback: unknown
  /** The words it may be, where these are few. */
  readonly words: readonly string[] | undefined
}

/** Every key there is, in the order of the schema. */
export function describeKeys(): readonly KeyDescription[] {
  return keysOf(jsonSchema(), '')
}

function keysOf(node: Node, prefix: string): KeyDescription[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    child.properties === undefined
      ? [{ key: prefix + name, description: child.description ?? '', fallback: child.default, words: child.enum }]
      : keysOf(child, `${prefix}${name}.`),
  )
}
