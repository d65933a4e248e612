import { readdirSync, readlinkSync } from 'node:fs'
import t from 'tap'
import { DescriptorReserve } from '../../agent/streams/reserve.ts'

/** Descriptors of this process that lead to nothing. */
function open(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return targets.filter((target) => target === '/dev/null').length
}

t.test('descriptors are held, freed as far as there are any, and taken back', async (t) => {
  const before = open()
  const reserve = new DescriptorReserve(3)
  const held = () => open() - before
  t.equal(held(), 3)
  reserve.free()
  t.equal(held(), 2)
  reserve.free(5)
  t.equal(held(), 0)
  reserve.free()
  reserve.refill()
  reserve.refill()
  t.equal(held(), 3)
  t.equal(await reserve.lend(async () => held()), 0, 'whoever opens several files has all of them')
  await t.rejects(
    reserve.lend(async () => {
      throw new Error('vain')
    }),
    { message: 'vain' },
  )
  t.equal(held(), 3)
  reserve[Symbol.dispose]()
  t.equal(held(), 0)
})
