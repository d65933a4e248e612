import { join } from 'node:path'
import { readLayer } from '../../settings/files.ts'
import { sentence } from '../../words/cannot.ts'
import { parseEnvironmentFile } from './environment-file.ts'

/** Credentials, region and proxies for the store: variables in the format of systemd.exec(5), EnvironmentFile=. */
export const ENVIRONMENT_FILE = 'etc/lastgasp/environment'

export interface Environment {
  /** undefined: the file is there, and could not be read. */
  readonly variables: ReadonlyMap<string, string> | undefined
  /** What is wrong with it, one sentence each. */
  readonly problems: readonly string[]
}

/** Names that one problem repeats, and characters of each. */
const SHOWN = { names: 3, length: 40 } as const

/**
 * Reads the environment file of a host, under the rules of a settings file. A host without one has no variables. Never
 * rejects.
 */
export async function readEnvironment(root: string, signal: AbortSignal): Promise<Environment> {
  const path = join(root, ENVIRONMENT_FILE)
  try {
    const { variables, unusable } = parseEnvironmentFile(await readLayer(path, signal))
    if (unusable.length === 0) return { variables, problems: [] }
    const names = unusable.slice(0, SHOWN.names).map((name) => JSON.stringify(name.slice(0, SHOWN.length)))
    return { variables, problems: [`${path}: left out, for no variable has such a name: ${names.join(', ')}`] }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { variables: new Map(), problems: [] }
    return { variables: undefined, problems: [`${path} cannot be read: ${sentence(error)}${advice(error)}`] }
  }
}

function advice(error: unknown): string {
  return (error as NodeJS.ErrnoException).code === 'EACCES'
    ? ': chown root:lastgasp, chmod 0640, so that the daemon can read it'
    : ''
}

/** Variables of a file over those that a process was started with. */
export class Overlay {
  readonly #environment: NodeJS.ProcessEnv
  readonly #started: NodeJS.ProcessEnv
  #laid = new Map<string, string>()

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment
    this.#started = { ...environment }
  }

  /** Takes the place of what was laid before: a variable that is in it no more is again what it was at the start. */
  lay(variables: ReadonlyMap<string, string>): void {
    for (const name of this.#laid.keys()) {
      const before = this.#started[name]
      if (before === undefined) delete this.#environment[name]
      else this.#environment[name] = before
    }
    for (const [name, value] of variables) this.#environment[name] = value
    this.#laid = new Map(variables)
  }
}
