import type { Settings } from '../../../settings/schema.ts'
import { abandonable, within } from '../../../words/deadline.ts'
import { bootOf } from '../../crashed-cores/boot.ts'
import { chooseCores } from '../../crashed-cores/choose.ts'
import { markOfCore } from '../../crashed-cores/core-file.ts'
import { readCorePattern } from '../../crashed-cores/core-pattern.ts'
import { crashEntries } from '../../crashed-cores/crash-entries.ts'
import { findCores } from '../../crashed-cores/find.ts'
import { type BootBefore, isLeft } from '../../host/boot-before.ts'
import type { SourceSession } from '../source.ts'
import { coreItem, type Host } from './item.ts'
import { gapsOf, Told } from './told.ts'
import { uniqueName } from './unique-name.ts'

/** Of its time, what the look for cores may take, what of that where others than the host may write, and by when all is asked. */
const FOUND_BY = 0.5
const OTHERS_SHARE = 0.3
const ENTRIES_BY = 0.7

const NOTHING = 'no core of an earlier boot was found that had not been stored'

/** What earlier boots have left of cores and kernel dumps, and nobody has stored. `read`: ids of files that a capture has read since. */
export function leftCores(
  host: Host,
  settings: Settings['cores'],
  before: BootBefore,
  read: ReadonlySet<string>,
): SourceSession['inventory'] {
  return async (ms, signal) => {
    const { root } = host
    const began = performance.now()
    const { boot } = before
    const pattern = await readCorePattern(root, signal)
    const time = { all: ms * FOUND_BY, others: ms * OTHERS_SHARE }
    const finds = await findCores(root, settings.directories, pattern, signal, time)
    const left = finds.files.filter((core) => {
      const { identity, at } = core
      return bootOf(core, boot) !== 'this' && isLeft({ mark: markOfCore(core), bootId: identity.bootId, at }, before)
    })
    const choice = chooseCores(left, settings, { now: Date.now(), boot, read })
    const inTime = within(Math.max(0, ms * ENTRIES_BY - (performance.now() - began)), signal)
    const crashes =
      choice.chosen.length > 0
        ? await abandonable(crashEntries(root, inTime), inTime).catch(() => undefined)
        : undefined
    signal.throwIfAborted()
    const names = new Set<string>()
    const found = choice.chosen.map(({ core, value }) => {
      const name = uniqueName(core.label, core.suffix, names)
      return coreItem(host, core, { name, value, crash: crashes?.get(core.path) })
    })
    const gaps = new Told().gaps(finds, choice, true)
    return { found, gaps: found.length + gaps.length === 0 ? gapsOf('absent', [NOTHING]) : gaps }
  }
}
