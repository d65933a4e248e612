import { parseLocation } from '../../agent/words/location.ts'

/** What of the settings and of the image the units depend on. */
export interface UnitFacts {
  /** ms: how long a capture may take. */
  readonly deadline: number
  /** ms: how long applications wait at most. */
  readonly holdWait: number
  readonly store: string | undefined
  /** Libraries were brought along in LIBRARY_DIRECTORY. */
  readonly libraries: boolean
}

export const LIBRARY_DIRECTORY = '/usr/lib/lastgasp/lib'

/** s from the deadline to SIGKILL. The daemon ends by itself at its deadline; this is for a machine too busy to let it. */
const DAEMON_MARGIN = 10
/** s from the end of flock's wait to its SIGTERM. */
const HOLD_MARGIN = 5

/** s after SIGTERM at which systemd kills the daemon: systemd.service(5), TimeoutStopSec=. */
export const daemonTimeout = (deadline: number) => Math.ceil(deadline / 1000) + DAEMON_MARGIN
const holdTimeout = (wait: number) => Math.ceil(wait / 1000) + HOLD_MARGIN

/**
 * Drop-ins of our units that say what is only known when baking: unit → text. They sort late, so that no distribution's
 * service.d/10-timeout-abort.conf turns a stop that takes too long into an abort with a core of us.
 */
export function dropIns(facts: UnitFacts): Readonly<Record<string, string>> {
  const kill = 'TimeoutStopFailureMode=kill'
  const libraries = facts.libraries ? [`Environment=LD_LIBRARY_PATH=${LIBRARY_DIRECTORY}`] : []
  const seconds = daemonTimeout(facts.deadline)
  const store = facts.store === undefined ? undefined : parseLocation(facts.store)
  const directory = store?.scheme === 'file' ? quoted(store.path) : undefined
  return {
    'lastgasp.service': text([
      ...(directory === undefined ? [] : ['[Unit]', `RequiresMountsFor=${directory}`, '']),
      '[Service]',
      kill,
      '# The deadline and a margin. The daemon shortens a deadline that has become longer than this since.',
      `TimeoutStopSec=${seconds}s`,
      `Environment=LASTGASP_STOP_MS=${seconds * 1000}`,
      ...(directory === undefined ? [] : ['# The store is a directory.', `ReadWritePaths=-${directory}`]),
      ...libraries,
    ]),
    'lastgasp-collector.service': text(['[Service]', kill, ...libraries]),
    'lastgasp-hold.service': text([
      '[Service]',
      kill,
      'ExecStop=',
      `ExecStop=/usr/bin/flock --wait ${facts.holdWait / 1000} --no-fork /run/lastgasp/wall/hold /usr/bin/true`,
      `TimeoutStopSec=${holdTimeout(facts.holdWait)}s`,
    ]),
  }
}

function text(lines: readonly string[]): string {
  return `# Written by scripts/bake from the settings of this image: bake again after a change.\n${lines.join('\n')}\n`
}

/** systemd.syntax(7): quotes for spaces, `\` and `%` are special. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`
}
