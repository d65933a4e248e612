import { createHash } from 'node:crypto'
import { readLayer } from '../../settings/files.ts'
import { sentence } from '../../words/cannot.ts'

/** Names a file of authorities to trust beside Node's own: node(1). The store reads it when it is opened. */
const VARIABLE = 'NODE_EXTRA_CA_CERTS'

export interface Trust {
  /** sha256 of the file that the environment names: another one, another store. Empty without one; undefined: unreadable. */
  readonly authorities: string | undefined
  readonly problems: readonly string[]
}

/** Looks at the certificates that the environment file names. Never rejects. */
export async function readTrust(variables: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Trust> {
  const file = variables.get(VARIABLE)
  if (file === undefined || file === '') return { authorities: '', problems: [] }
  try {
    const text = await readLayer(file, signal)
    return { authorities: createHash('sha256').update(text).digest('hex'), problems: [] }
  } catch (error) {
    return { authorities: undefined, problems: [`${file} (${VARIABLE}) cannot be read: ${sentence(error)}`] }
  }
}
