import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
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
  t.equal(await reserve.lend(async () => held()), 3, 'they stay where there are others')
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

/** More than Node opens by itself, its modules included. */
const LIMIT = '--nofile=64:64'
const skip = spawnSync('prlimit', ['--version']).status !== 0 && 'prlimit is not installed'

t.test('they are lent only where there are no others', { skip }, async (t) => {
  const program = [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'lent.ts')]
  const { stdout } = spawnSync('prlimit', [LIMIT, ...program], { encoding: 'utf8' })
  t.equal(stdout, '3 of 3, and 0 where there are no others; then 3\n')
})
