import t from 'tap'
import { closingManifest } from '../../agent/bundle/closing.ts'
import type { Opening } from '../../agent/bundle/schema.ts'
import { gapReceipt } from '../../agent/capture/receipts.ts'
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
})
