import { sentence } from '../words/cannot.ts'
import { parseLocation } from '../words/location.ts'
import { Ending, EXIT, type Io } from './io.ts'

/** A store that was named for this run, and by what. */
export interface NamedStore {
  readonly by: '--store' | 'LASTGASP_STORE'
  readonly url: string
}

/** What `--store` or `LASTGASP_STORE` names, if either does; a URL that can never work is a usage error. */
export function namedStore(store: string | undefined, env: Io['env']): NamedStore | undefined {
  const url = store ?? (env.LASTGASP_STORE || undefined)
  if (url === undefined) return undefined
  const by = store === undefined ? 'LASTGASP_STORE' : '--store'
  try {
    // A URL's host stands behind two slashes, so that `relative` in file://relative/x would be one.
    if (/^file:(?!\/\/\/)/.test(url))
      throw new Error('a directory is named from the root, with three slashes: file:///path')
    parseLocation(url)
  } catch (error) {
    const why = sentence(error).replace(/^cannot open the store ".*": /, '')
    throw new Ending(EXIT.usage, `cannot use ${by} ${JSON.stringify(url)}: ${why}`, { cause: error })
  }
  return { by, url }
}
