import type { Archive, ObjectEntry } from '../../../agent/store/store.ts'
import { StoreError } from '../../../agent/store/store.ts'

/** An object as somebody put it, and when the store got it (ms since the epoch). */
export interface Put {
  readonly key: string
  readonly body?: string | Buffer
  readonly modified?: number
}

/** A store in memory, whose dates are as they are wished. `requests` counts what was asked of it. */
export function archiveOf(puts: readonly Put[]): Archive & { readonly requests: string[] } {
  const objects = puts.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  const requests: string[] = []
  return {
    url: 'file:///memory',
    requests,
    async *list(prefix): AsyncGenerator<ObjectEntry> {
      requests.push(`list ${prefix}`)
      for (const { key, body = '', modified = 0 } of objects)
        if (key.startsWith(prefix)) yield { key, bytes: body.length, modified }
    },
    async *folders(prefix) {
      requests.push(`folders ${prefix}`)
      const names = objects.filter(({ key }) => key.startsWith(prefix)).map(({ key }) => key.slice(prefix.length))
      for (const name of new Set(names.map((rest) => rest.split('/', 1)[0]))) yield `${prefix}${name}/`
    },
    async read(key, from) {
      requests.push(`read ${key}`)
      const found = objects.find((object) => object.key === key)
      if (found === undefined) throw new StoreError('missing', `cannot read ${key}: there is no such object`)
      return (async function* () {
        yield Buffer.from(found.body ?? '').subarray(from)
      })()
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
