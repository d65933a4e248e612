import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Attendants } from '../../agent/collector/attendants.ts'
import type { Desk } from '../../agent/collector/desk.ts'
import { Announcement } from '../../agent/collector/host/logind.ts'
import type { Outcome } from '../../agent/collector/host/reading.ts'
import { newTurns } from '../../agent/collector/processes/turns.ts'
import { serve } from '../../agent/collector/serve.ts'
import { Sessions } from '../../agent/collector/sessions.ts'
import type { Found, Source, SourceSession } from '../../agent/collector/sources/source.ts'
import { defaultSettings, type Settings } from '../../agent/settings/schema.ts'
import { lent } from '../streams/poisoned.ts'

/** An item whose content the test makes up. */
export function item(name: string, chunks: () => AsyncIterable<Buffer>, over: Partial<Found> = {}): Found {
  return {
    id: name,
    source: 'cores',
    name,
    class: 'text',
    phase: 'stored',
    encoding: 'as-is',
    bytes: 1000,
    ratio: 1,
    value: 100,
    identity: { comm: name },
    open: async () => ({ chunks: lent(chunks()), outcome: (): Outcome => ({}), [Symbol.asyncDispose]: async () => {} }),
    ...over,
  }
}

export function source(name: Source['name'], found: readonly Found[], over: Partial<SourceSession> = {}): Source {
  return { name, open: () => ({ inventory: async () => ({ found, gaps: [] }), ...over }) }
}

/** A collector that serves these sources on a socket of its own until the test has ended. */
export async function collectorOf(
  test: { teardown(end: () => Promise<void>): void },
  sources: readonly Source[],
  settings: Partial<Settings> = {},
  hold?: Desk['hold'],
): Promise<{ socket: string; desk: Desk; end: () => void }> {
  const directory = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  const socket = join(directory, 's')
  const end = new AbortController()
  const loaded = { settings: { ...defaultSettings(), ...settings }, layers: [], problems: [], provenance: new Map() }
  const desk: Desk = {
    // Nothing is there: nobody can tell whether anything crashed.
    root: directory,
    version: '0',
    sources,
    sessions: new Sessions(),
    turns: newTurns(),
    hold,
    announcement: new Announcement(),
    loaded,
    builders: { rules: [], problems: [] },
    reload: async () => loaded,
    attendants: new Attendants(),
  }
  const serving = serve(socket, desk, end.signal)
  test.teardown(async () => {
    end.abort()
    await serving
    await rm(directory, { recursive: true, force: true })
  })
  while ((await stat(socket).catch(() => undefined)) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 5))
  return { socket, desk, end: () => end.abort() }
}

export async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text)
}

/** Gives its first chunk, then nothing, like a read in D state. */
export async function* hangsAfter(...texts: string[]): AsyncGenerator<Buffer> {
  yield* chunks(...texts)
  await new Promise(() => {})
}
