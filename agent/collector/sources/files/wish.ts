import type { Settings } from '../../../settings/schema.ts'
import { isBelow, LOGS, type PathGlob, parseFiles, parsePathGlob } from '../../../words/path-glob.ts'

/** What `logs` stands for. Pods' logs are named beside what is above them, as they may be a link to another disk. */
const LOG_GLOBS = ['/var/log/**', '/var/log/pods/**', '/var/lib/docker/containers/*/*-json.log*'].map(parsePathGlob)

/** What has a source of its own; and what is lastgasp's and systemd's to keep: keys, sealed bundles. */
const NEVER = [
  ...['/var/log/journal', '/run/log/journal', '/etc/lastgasp', '/run/lastgasp', '/var/lib/lastgasp'],
  ...['/run/credentials', '/proc', '/sys', '/dev'],
]

/**
 * Names of what holds a process's or the kernel's memory: heap dumps of the JVM (hprof, OpenJ9's phd), of V8, of Windows' formats (breakpad,
 * .NET); what the JVM writes of a crash, with the environment in it; cores; apport's reports; vmcores; journal files, into which cores and
 * environments are logged. Also numbered or compressed.
 */
const MEMORY_NAMES =
  /^(?:hs_err_pid.*|replay_pid.*|javacore.*|core|core[.-].*|vmcore.*|heapdump.*|.*\.(?:hprof|phd|heapsnapshot|dmp|mdmp|core|crash|journal~?)(?:\.\w+)*)$/is

/** A glob, and whether a person has named it: then it may begin on a file system that hangs. */
export interface WishedGlob extends PathGlob {
  readonly isNamed: boolean
}

/** Which files a capture asks for. */
export interface Wish {
  readonly globs: readonly WishedGlob[]
  /** Why logs are not among them though the settings say so. */
  readonly unasked?: string
  /** Whether a file is left to others, or to nobody. */
  readonly isLeft: (path: string) => boolean
  readonly isMemory: (path: string) => boolean
}

export function wishOf({ files, seal }: Pick<Settings, 'files' | 'seal'>): Wish {
  const named = files.paths.map(parseFiles)
  const isSealed = seal.recipients.length > 0
  const wantsLogs = named.includes(LOGS)
  const globs = [
    ...(wantsLogs && isSealed ? LOG_GLOBS.map((glob) => ({ ...glob, isNamed: false })) : []),
    ...named.filter((one) => one !== LOGS).map((glob) => ({ ...glob, isNamed: true })),
  ]
  const memory = files.memory.map(parsePathGlob)
  // A broken layer may be the one that says which of the files that are named hold memory.
  const isUnsure = (path: string) => seal.broken !== undefined && !LOG_GLOBS.some(({ matches }) => matches(path))
  return {
    globs,
    ...(wantsLogs && !isSealed && { unasked: UNASKED }),
    isLeft: (path) => NEVER.some((never) => isBelow(path, never)),
    isMemory: (path) =>
      MEMORY_NAMES.test(path.slice(path.lastIndexOf('/') + 1)) ||
      memory.some(({ matches }) => matches(path)) ||
      isUnsure(path),
  }
}

const UNASKED =
  'logs leave only sealed where nobody names them, and no recipient is set: name one in seal.recipients (lastgasp keygen), or the files in files.paths'
