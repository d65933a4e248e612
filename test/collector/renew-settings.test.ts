import t, { type Test } from 'tap'
import { generateIdentity } from '../../agent/seal/keys.ts'
import type { Loaded } from '../../agent/settings/layers.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import { chunks, collectorOf, item, source } from './synthetic.ts'

const RECIPIENTS = [generateIdentity().recipient.text]
const signal = new AbortController().signal

/** A collector whose settings are read by `reload` from now on, and what it says of its one item. */
async function collectorWith(test: Test, reload: (sealing: Loaded, limit: AbortSignal) => Promise<Loaded>) {
  const { socket, desk } = await collectorOf(test, [source('cores', [item('cores/a', () => chunks('a'))])])
  const { settings } = desk.loaded
  const sealing = { ...desk.loaded, settings: { ...settings, seal: { ...settings.seal, recipients: RECIPIENTS } } }
  Object.assign(desk, { reload: (limit: AbortSignal) => reload(sealing, limit) })
  const collector = collectorAt(socket)
  return {
    collector,
    sealed: async () =>
      (await collector.open({ trigger: 'manual', boot: 'this' }, 4_000, signal)).listing.items.map(
        ({ sealed }) => sealed,
      ),
  }
}

t.test('a capture goes by the settings of its own time', async (t) => {
  const { sealed } = await collectorWith(t, async (sealing) => sealing)
  t.strictSame(await sealed(), [true])
})

t.test('a reading that hangs, or breaks for want of time, leaves those before in force', async (t) => {
  let reading: Promise<Loaded> | undefined
  const { collector, sealed } = await collectorWith(t, (sealing) => (reading ??= Promise.resolve(sealing)))
  t.strictSame(await sealed(), [true])
  reading = new Promise(() => {})
  t.strictSame(await sealed(), [true], 'hangs')
  t.strictSame((await collector.health(signal)).problems, [])

  const late = await collectorWith(t, async (sealing, limit) => {
    await new Promise((resolve) => limit.addEventListener('abort', resolve))
    return sealing
  })
  t.strictSame(await late.sealed(), [false], 'what came too late is not what was read')
})
