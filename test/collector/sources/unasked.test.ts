import t from 'tap'
import { openSystem } from '../../../agent/collector/host/ffi.ts'
import { newPatients } from '../../../agent/collector/processes/patients.ts'
import { liveSource } from '../../../agent/collector/sources/live/source.ts'
import { memorySource } from '../../../agent/collector/sources/memory/source.ts'
import type { SourceContext } from '../../../agent/collector/sources/source.ts'
import { stacksSource } from '../../../agent/collector/sources/stacks/source.ts'
import { defaultSettings } from '../../../agent/settings/schema.ts'

const patients = newPatients()
const SOURCES = [stacksSource(openSystem(), patients), liveSource(openSystem(), patients), memorySource(patients)]

for (const source of SOURCES) {
  t.test(`${source.name}: who names no recipient has asked for none, and nobody is looked at`, async (t) => {
    const defaults = defaultSettings()
    const context: SourceContext = { settings: defaults, root: '/', seen: new Set(), ms: 60_000 }
    const { found, gaps } = await source.inventory(context, AbortSignal.timeout(30_000))
    t.strictSame(found, [])
    t.match(gaps, [{ status: 'skipped', reason: /no recipient is set/ }])
    const broken = { ...defaults, seal: { ...defaults.seal, broken: 'a layer is broken' } }
    const asked = await source.inventory(
      { ...context, root: t.testdir({}), settings: broken },
      AbortSignal.timeout(30_000),
    )
    t.notMatch(asked.gaps[0]?.reason ?? '', /no recipient is set/, 'broken settings are another matter')
  })
}
