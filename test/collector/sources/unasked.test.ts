import t from 'tap'
import { openSystem } from '../../../agent/collector/host/ffi.ts'
import { liveSource } from '../../../agent/collector/sources/live/source.ts'
import { memorySource } from '../../../agent/collector/sources/memory/source.ts'
import { stacksSource } from '../../../agent/collector/sources/stacks/source.ts'
import { defaultSettings } from '../../../agent/settings/schema.ts'
import { contextOf, looked } from '../looking.ts'

const SOURCES = [stacksSource(openSystem()), liveSource(openSystem()), memorySource()]

for (const source of SOURCES) {
  t.test(`${source.name}: who names no recipient has asked for none, and nobody is looked at`, async (t) => {
    const defaults = { ...defaultSettings(), traces: 'none' as const }
    const { found, gaps } = await looked(source, contextOf('/', defaults))
    t.strictSame(found, [])
    t.match(gaps, [{ status: 'skipped', reason: /no recipient is set/ }])
    const broken = { ...defaults, seal: { ...defaults.seal, broken: 'a layer is broken' } }
    const asked = await looked(source, contextOf(t.testdir({}), broken))
    t.notMatch(asked.gaps[0]?.reason ?? '', /no recipient is set/, 'broken settings are another matter')
  })
}
