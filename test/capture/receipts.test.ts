import t from 'tap'
import { closingManifest } from '../../agent/bundle/closing.ts'
import type { Opening } from '../../agent/bundle/schema.ts'
import { type Delivery, gapReceipt, skippedReceipt, storedReceipt } from '../../agent/capture/receipts.ts'
import type { Planned } from '../../agent/plan/plan.ts'
import type { InventoryGap } from '../../agent/words/evidence.ts'

t.test('who is behind a gap, and what a bundle with it is', async (t) => {
  const gap = (more: Partial<InventoryGap>): InventoryGap => ({
    ...{ source: 'cores', class: 'memory', status: 'skipped', reason: 'files of user 1000' },
    ...more,
  })
  const told = (more: Partial<InventoryGap>) => {
    const receipt = gapReceipt(gap(more))
    const ending = { duration: 0, shutdown: undefined, clockSkew: undefined, problems: [], findings: [] }
    const opening = { started: '2026-11-30T11:00:00.000Z' } as Opening
    return [receipt.because, closingManifest(opening, { ...ending, receipts: [receipt] }).status]
  }
  t.same(told({}), ['limit', 'complete'], 'a setting')
  t.same(told({ status: 'failed' }), ['host', 'partial'])
  t.same(told({ status: 'absent' }), [undefined, 'complete'])
  t.same(told({ because: 'host' }), ['host', 'partial'], 'what a user has laid down beyond his share is no setting')
  const identity = { path: '/var/crash', uid: 1000 }
  t.same(gapReceipt(gap({ because: 'host', identity })).item, identity)
  const details = { source: 'facts', processes: 1 } as const
  const detailed = gapReceipt(gap({ identity: { ...identity, details } }))
  t.strictSame([detailed.item, detailed.details], [identity, details])
  t.notOk('details' in gapReceipt(gap({})) || 'because' in gapReceipt(gap({ status: 'absent' })))
})

t.test('what its source knows besides is the receipt’s own: what was learnt last', (t) => {
  const details = (processes: number) => ({ source: 'facts', processes }) as const
  const item = {
    name: 'facts.tar.zst',
    source: 'facts',
    class: 'text',
    sealed: false,
    identity: { at: 1, details: details(1) },
  }
  const planned = { item, cost: { bytesStored: 1, ms: 1 } } as unknown as Planned
  const skipped = skippedReceipt(planned, { because: 'limit', reason: 'none is wanted' })
  t.same([skipped.item, skipped.details], [{ at: 1 }, details(1)])
  const taken = { bytesIn: 1, ms: 1, identity: { details: details(2) } }
  const written = { bytes: 1, sha256: '', segments: [] }
  const stored = storedReceipt(planned, { written, taken, stopped: undefined, ms: 1 } as unknown as Delivery)
  t.same([stored.item, stored.details], [{ at: 1 }, details(2)])
  t.notOk('freezeMs' in stored)
  const frozen = storedReceipt(planned, {
    ...{ written, taken: { ...taken, identity: { freezeMs: 7 } }, stopped: undefined, ms: 1 },
  } as unknown as Delivery)
  t.same([frozen.item, frozen.freezeMs], [{ at: 1 }, 7])
  t.end()
})
