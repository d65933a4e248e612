import { constants, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { coreLayout } from '../../../../agent/collector/elf/core-layout.ts'
import { openOwned } from '../../../../agent/collector/host/owned-file.ts'
import { beginPipe, inStart } from '../../../../agent/collector/sources/cores/read-pipe.ts'
import { scratch } from '../../crashed-cores/cores.ts'
import { syntheticCore } from '../../elf/synthetic-core.ts'
import { unhurried } from '../../reading.ts'

async function begun(t: Test, content: Buffer) {
  const path = join(scratch(t), 'core')
  writeFileSync(path, content)
  using file = await openOwned(path, constants.O_RDONLY, unhurried())
  return await beginPipe(file, unhurried())
}

t.test('a core is begun up to the end of its notes, however far back they are, and no further', async (t) => {
  const core = syntheticCore({ bits: 64, loads: 4000, pid: 7, comm: 'app' })
  const { notes } = (await coreLayout(async (at, length) => core.subarray(at, at + length))) ?? {}
  const end = (notes?.offset ?? 0) + (notes?.size ?? 0)
  t.ok(end > 3 * 64 * 1024 && core.length > end + 64 * 1024)
  const { start } = await begun(t, core)
  t.ok(start.length >= end && start.length < end + 64 * 1024, `${start.length} of ${core.length}, ${end} are needed`)
  t.ok(start.equals(core.subarray(0, start.length)))
})

t.test('what ends before, what is none, and what says that its notes have no end', async (t) => {
  const core = syntheticCore({ bits: 64, loads: 4000, pid: 7, comm: 'app' })
  t.equal((await begun(t, core.subarray(0, 100_000))).start.length, 100_000)
  t.equal((await begun(t, Buffer.alloc(200_000, 'x'))).start.length, 64 * 1024)
  const endless = Buffer.concat([core, Buffer.alloc(10 * 1024 * 1024)])
  const at = Number(endless.readBigUInt64LE(32))
  endless.writeBigUInt64LE(2n ** 50n, at + 32)
  t.equal((await begun(t, endless)).start.length, 8 * 1024 * 1024)
  const pipe = await begun(t, core.subarray(0, 10))
  t.equal((await inStart(pipe)(4, 100)).length, 6)
})
